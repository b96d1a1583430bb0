//! Is there memory? std ends the process where an allocation fails, so whoever is about to allocate for an event asks
//! first.

use std::alloc::Layout;

/// What the first event takes beside its queue, and what each pass over the queue or to the server may take: a batch
/// as text several times over, buffers, TLS. Address space of a moment; what is not written to costs nothing.
pub const WORK_BYTES: usize = 1024 * 1024;
/// What starting a thread takes beside its stack, and what an answer to the host takes.
pub const CALL_BYTES: usize = 64 * 1024;

/// Can so many bytes be had right now? They are given back at once, so another thread may have taken them by the time
/// they are used: it makes an abort unlikely, not impossible.
pub fn is_there(bytes: usize) -> bool {
    let mut room = Vec::<u8>::new();
    let is_there = room.try_reserve_exact(bytes).is_ok();
    std::hint::black_box(room.as_mut_ptr()); // an allocation that nobody looks at is optimised away, and counts as had
    is_there
}

/// All parts, one after the other, in one allocation of `length` bytes; `None` where there is no memory for it, or the parts are
/// not so long together. An event retires a third of the instructions of `Vec::try_reserve_exact` and what follows it.
pub fn concat<const N: usize>(parts: &[&[u8]; N], length: usize) -> Option<Box<[u8]>> {
    let layout = Layout::array::<u8>(length).ok().filter(|layout| layout.size() > 0)?;
    // SAFETY: the size is not zero.
    let start = unsafe { std::alloc::alloc(layout) };
    if start.is_null() {
        return None;
    }
    let mut written = 0;
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
        assert_eq!(concat(&[&b"ab"[..], b"", b"c"], 3).as_deref(), Some(&b"abc"[..]));
        assert!(concat(&[&b""[..], b""], 0).is_none());
        for wrong in [0, 2, 4, usize::MAX] {
            assert!(concat(&[&b"ab"[..], b"c"], wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_no_machine_has_is_not_there() {
        assert!(is_there(CALL_BYTES) && is_there(WORK_BYTES));
        assert!(!is_there(1 << 60));
    }
}
