//! The library's allocator: the system's, with a reserve for allocations that the system refuses. std ends the process
//! if an allocation fails, and the process is the host program's. So the code checks for memory before it begins
//! something ([`super::memory`]), and what is refused after that comes from the reserve. Only the shared library and
//! the static archive have it (feature `reserve`), because a Rust program chooses its own allocator.
//!
//! There is no lock, because a fork could leave one held: each block has a bit, and the caller that frees blocks says
//! how many. Until it is needed, the reserve costs address space and no memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of blocks whose bits are in one integer.
const BLOCKS: usize = u64::BITS as usize;

/// The system's allocator with a reserve.
pub struct Allocator {
    /// 512 KiB, for pieces of at most 32 KiB.
    small: Pool<512, 16>,
    /// 2 MiB, for pieces of at most 256 KiB.
    large: Pool<4096, 8>,
}

impl Allocator {
    /// An allocator with an unused reserve.
    pub const fn new() -> Self {
        Allocator { small: Pool::new(), large: Pool::new() }
    }

    /// Whether so much of the reserve is in use that nothing new should begin.
    pub fn is_low(&self) -> bool {
        self.small.is_low() || self.large.is_low()
    }

    #[cold]
    #[inline(never)]
    fn spare(&self, layout: Layout) -> *mut u8 {
        self.small.take(layout).or_else(|| self.large.take(layout)).unwrap_or(null_mut())
    }

    fn is_spare(&self, start: *mut u8) -> bool {
        let base = std::ptr::from_ref(self).addr();
        (base..base + size_of::<Self>()).contains(&start.addr())
    }

    #[cold]
    #[inline(never)]
    fn give_back(&self, start: *mut u8, layout: Layout) {
        if !self.small.give_back(start, layout) {
            self.large.give_back(start, layout);
        }
    }
}

// SAFETY: a piece is the system's, or blocks of the reserve that nobody else has until it is given back. Neither
// unwinds.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promised.
        let start = unsafe { System.alloc(layout) };
        if start.is_null() {
            return self.spare(layout);
        }
        start
    }

    /// The system knows which memory is zero already and does not have to be written to.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promised.
        let mut start = unsafe { System.alloc_zeroed(layout) };
        if start.is_null() {
            start = self.spare(layout);
            if !start.is_null() {
                // SAFETY: so many bytes, which nobody else has.
                unsafe { start.write_bytes(0, layout.size()) };
            }
        }
        start
    }

    #[inline(never)]
    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if self.is_spare(start) {
            self.give_back(start, layout);
        } else {
            // SAFETY: the system's own, as the caller promised.
            unsafe { System.dealloc(start, layout) };
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.is_spare(start) {
            // SAFETY: the system's own, as the caller promised.
            let grown = unsafe { System.realloc(start, layout, size) };
            if !grown.is_null() {
                return grown;
            }
        }
        // SAFETY: the caller promised that the size, rounded up to the alignment, is no overflow.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the size is not zero, as the caller promised.
        let moved = unsafe { self.alloc(new) };
        if !moved.is_null() {
            // SAFETY: both hold so many bytes, and the new piece was nobody's.
            unsafe { moved.copy_from_nonoverlapping(start, size.min(layout.size())) };
            // SAFETY: as the caller promised; it is not used after.
            unsafe { self.dealloc(start, layout) };
        }
        moved
    }
}

/// A pool of equal blocks. A piece is a few adjacent blocks within a row of 64.
#[repr(C, align(4096))]
struct Pool<const BLOCK: usize, const ROWS: usize> {
    bytes: UnsafeCell<[[[u8; BLOCK]; BLOCKS]; ROWS]>,
    /// A bit for each block that is in use.
    used: [AtomicU64; ROWS],
}

// SAFETY: nobody touches the bytes but who took the blocks that they are in.
unsafe impl<const BLOCK: usize, const ROWS: usize> Sync for Pool<BLOCK, ROWS> {}

impl<const BLOCK: usize, const ROWS: usize> Pool<BLOCK, ROWS> {
    const fn new() -> Self {
        Pool { bytes: UnsafeCell::new([[[0; BLOCK]; BLOCKS]; ROWS]), used: [const { AtomicU64::new(0) }; ROWS] }
    }

    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let wanted = Self::bits(layout)?;
        for (row, used) in self.used.iter().enumerate() {
            let mut before = used.load(Ordering::Relaxed);
            while let Some(first) = free(before, wanted) {
                let after = before | wanted << first;
                match used.compare_exchange_weak(before, after, Ordering::Acquire, Ordering::Relaxed) {
                    Ok(_) => return Some(self.start().wrapping_add((row * BLOCKS + first as usize) * BLOCK)),
                    Err(now) => before = now,
                }
            }
        }
        None
    }

    /// `false` if the piece does not belong to this pool.
    fn give_back(&self, start: *mut u8, layout: Layout) -> bool {
        let block = start.addr().wrapping_sub(self.start().addr()) / BLOCK;
        let (Some(used), Some(bits)) = (self.used.get(block / BLOCKS), Self::bits(layout)) else { return false };
        used.fetch_and(!(bits << (block % BLOCKS)), Ordering::Release);
        true
    }

    /// Whether half of the pool is in use.
    fn is_low(&self) -> bool {
        // Zero is not counted: without a processor's own instruction, counting takes about thirty others.
        let rows = self.used.iter().map(|row| row.load(Ordering::Relaxed)).filter(|row| *row != 0);
        let used: u32 = rows.map(u64::count_ones).sum();
        used as usize > ROWS * BLOCKS / 2
    }

    /// As many low bits as the piece needs blocks; `None` if it is too large for a row, or needs a stricter alignment
    /// than a block has.
    fn bits(layout: Layout) -> Option<u64> {
        let blocks = layout.size().div_ceil(BLOCK);
        let fits = (1..=BLOCKS).contains(&blocks) && layout.align() <= BLOCK;
        fits.then(|| u64::MAX >> (BLOCKS - blocks))
    }

    fn start(&self) -> *mut u8 {
        self.bytes.get().cast()
    }
}

/// The position in a row at which this many adjacent blocks are free.
fn free(used: u64, wanted: u64) -> Option<u32> {
    (0..=wanted.leading_zeros()).find(|first| used & wanted << first == 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn pieces_do_not_overlap_and_come_back() {
        static POOL: Pool<512, 2> = Pool::new();
        let sizes = [1, 512, 513, 5_000, 512 * 64, 100];
        for _ in 0..3 {
            let pieces: Vec<_> =
                sizes.iter().filter_map(|size| Some((POOL.take(layout(*size, 8))?.addr(), *size))).collect();
            assert_eq!(pieces.len(), sizes.len(), "one row for the largest, one for the others");
            for (index, (start, size)) in pieces.iter().enumerate() {
                assert_eq!(start % 512, 0);
                let others = || pieces.iter().skip(index + 1);
                assert!(others().all(|(other, length)| start + size <= *other || other + length <= *start));
            }
            assert!(POOL.is_low());
            for (start, size) in pieces {
                assert!(POOL.give_back(std::ptr::without_provenance_mut(start), layout(size, 8)));
            }
            assert!(!POOL.is_low());
        }
    }

    #[test]
    fn a_pool_ends_somewhere() {
        static POOL: Pool<512, 2> = Pool::new();
        assert!(POOL.take(layout(512 * 64 + 1, 8)).is_none());
        assert!(POOL.take(layout(8, 1024)).is_none());
        assert_eq!(std::iter::from_fn(|| POOL.take(layout(1, 1))).count(), 128);
        assert!(POOL.take(layout(1, 1)).is_none());
    }

    #[test]
    fn threads_that_take_and_give_back_at_once_share_nothing() {
        static ALLOCATOR: Allocator = Allocator::new();
        std::thread::scope(|scope| {
            for mark in 1..=4u8 {
                scope.spawn(move || {
                    for size in (0..2_000).map(|round| 1 + round * 37 % 70_000) {
                        let start = ALLOCATOR.spare(layout(size, 16));
                        assert!(!start.is_null() && ALLOCATOR.is_spare(start));
                        // SAFETY: that many bytes were just had.
                        let piece = unsafe {
                            start.write_bytes(mark, size);
                            std::slice::from_raw_parts(start, size)
                        };
                        assert!(piece.iter().all(|byte| *byte == mark));
                        // SAFETY: had with this layout, and not used after.
                        unsafe { ALLOCATOR.dealloc(start, layout(size, 16)) };
                    }
                });
            }
        });
        assert!(!ALLOCATOR.is_low());
        let used = ALLOCATOR.small.used.iter().chain(&ALLOCATOR.large.used);
        assert_eq!(used.map(|row| row.load(Ordering::Relaxed)).sum::<u64>(), 0, "all came back");
    }

    #[test]
    fn what_grows_or_shrinks_takes_its_bytes_along_and_zeroed_is_zeroed() {
        static ALLOCATOR: Allocator = Allocator::new();
        let text = b"what was written before";
        let mut start = ALLOCATOR.spare(layout(text.len(), 1));
        let mut size = text.len();
        // SAFETY: each piece was had with the layout that is said, and is used within its size.
        unsafe {
            start.copy_from_nonoverlapping(text.as_ptr(), text.len());
            for next in [600, 40_000, 1_000_000, 300, text.len()] {
                start = ALLOCATOR.realloc(start, layout(size, 1), next);
                assert!(!start.is_null());
                assert_eq!(std::slice::from_raw_parts(start, text.len()), text, "{next}");
                size = next;
            }
            ALLOCATOR.dealloc(start, layout(size, 1));
            let zeroed = ALLOCATOR.alloc_zeroed(layout(3_000, 1));
            assert!(std::slice::from_raw_parts(zeroed, 3_000).iter().all(|byte| *byte == 0));
            ALLOCATOR.dealloc(zeroed, layout(3_000, 1));
        }
    }
}
