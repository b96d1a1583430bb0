//! Checks whether there is memory. std ends the process if an allocation fails, so the code checks before it allocates
//! for an event. What is refused after that comes from a reserve ([`super::reserve`]).

use std::alloc::Layout;

#[cfg(feature = "reserve")]
#[global_allocator]
static ALLOCATOR: super::reserve::Allocator = super::reserve::Allocator::new();

/// How much memory the first event needs beside its queue, and each pass over the queue or to the server: several
/// copies of a batch as text, buffers, TLS. It is only address space for a moment; memory that is not written to costs
/// nothing.
pub const WORK_BYTES: usize = 1024 * 1024;
/// How much memory starting a thread needs beside its stack, or an answer to the host program.
pub const CALL_BYTES: usize = 64 * 1024;

/// Up to this size the system is not asked, because the reserve has twice as much for small pieces while it is not low.
/// Asking the system would write to a fresh page, which the first event of a process would pay for.
#[cfg(feature = "reserve")]
const LITTLE_BYTES: usize = 128 * 1024;

/// Whether this many bytes can be allocated now, and the reserve is available for what others allocate in between.
pub fn is_there(bytes: usize) -> bool {
    #[cfg(feature = "reserve")]
    if ALLOCATOR.is_low() {
        return false;
    }
    #[cfg(feature = "reserve")]
    if bytes <= LITTLE_BYTES {
        return true;
    }
    let Some(layout) = Layout::array::<u8>(bytes).ok().filter(|layout| layout.size() > 0) else { return bytes == 0 };
    // The compiler would remove an allocation that is never used, and take it for successful.
    let start = std::hint::black_box(take(layout));
    if !start.is_null() {
        // SAFETY: allocated above, with this layout.
        unsafe { std::alloc::dealloc(start, layout) };
    }
    !start.is_null()
}

/// Allocates a piece of this size, which is not zero; null if the system has none. It never comes from the reserve,
/// because it may be refused.
#[inline(always)]
fn take(layout: Layout) -> *mut u8 {
    debug_assert!(layout.size() > 0);
    // SAFETY: the size is not zero. What the system gives, the library's allocator gives back to it.
    #[cfg(feature = "reserve")]
    return unsafe { std::alloc::GlobalAlloc::alloc(&std::alloc::System, layout) };
    // SAFETY: the size is not zero.
    #[cfg(not(feature = "reserve"))]
    return unsafe { std::alloc::alloc(layout) };
}

/// Concatenates the header and all parts in one allocation of `length` bytes; `None` if there is no memory for it, or
/// they do not have that length. An event takes a third of the instructions that `Vec::try_reserve_exact` and the
/// copies after it would take.
pub fn concat<const H: usize, const N: usize>(
    header: [[u8; 8]; H],
    parts: &[&[u8]; N],
    length: usize,
) -> Option<Box<[u8]>> {
    let layout = Layout::array::<u8>(length).ok().filter(|layout| layout.size() >= (8 * H).max(1))?;
    let start = take(layout);
    if start.is_null() {
        return None;
    }
    // SAFETY: so many bytes were allocated, and an array of bytes may stand anywhere.
    unsafe { start.cast::<[[u8; 8]; H]>().write(header) };
    let mut written = 8 * H;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let next = written + part.len();
        if next <= length {
            // SAFETY: within what was allocated, as was just asked; nobody else has that, so no part lies in it.
            unsafe { start.add(written).copy_from_nonoverlapping(part.as_ptr(), part.len()) };
        }
        written = next;
    }
    if written != length {
        // SAFETY: allocated above, with this layout.
        unsafe { std::alloc::dealloc(start, layout) };
        return None;
    }
    // SAFETY: allocated as a Box of so many bytes is, and all of them were written.
    Some(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, length)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_one_after_the_other() {
        assert_eq!(concat([], &[&b"ab"[..], b"", b"c"], 3).as_deref(), Some(&b"abc"[..]));
        assert_eq!(concat([*b"12345678"], &[&b"ab"[..], b"c"], 11).as_deref(), Some(&b"12345678abc"[..]));
        assert!(concat([], &[&b""[..], b""], 0).is_none());
        for wrong in [0, 1, 2, 4, 7, 8, 10, 12, usize::MAX] {
            assert!(concat([], &[&b"ab"[..], b"c"], wrong).is_none(), "{wrong}");
            assert!(concat([*b"12345678"], &[&b"ab"[..], b"c"], wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_no_machine_has_is_not_there() {
        assert!(is_there(CALL_BYTES) && is_there(WORK_BYTES));
        assert!(!is_there(1 << 60));
    }
}
