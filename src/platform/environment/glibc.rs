//! Reading the environment while other threads change it, on glibc.
//!
//! `setenv` may move the array of pointers and free the old one, so an entry that is read may be anything at that
//! moment (before glibc 2.41, whose own `getenv` has the same fault). But glibc never frees a string that it made, so a
//! pointer that was good once is good for ever. Hence: the pointers are remembered; the next call compares them and, as
//! long as they are the same ones, looks at what stands there. Pointers that are new are followed after asking the
//! system whether there is memory behind them, and what was read counts only if the array is the same afterwards.
//!
//! What stands there may change as well, at the same addresses: a program may change an entry in place, or free one
//! that it gave to `putenv` and get its memory back for another. While no entry begins like one of the names, it is
//! enough to know that the first eight bytes of all entries are the same: none can become one of a name without a
//! change there. Their sum tells, at two instructions an entry; it could only miss several changes at once that cancel
//! each other out.

use super::block;
use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// The most entries that are remembered. With more variables, each call looks at all of them anew.
const MAX: usize = 1024;
/// How many bytes of a value are checked to be in mapped memory.
const VALUE_MAX: usize = 4096;
/// How often to try again while the environment changes.
const TRIES: u32 = 20;
/// How many entries are added up at a time.
const STEP: usize = 8;
/// Stands for an entry in the last step, if fewer entries are left.
static NO_ENTRY: [u8; 8] = [0; 8];

/// The first eight bytes of an entry, as they stand there now.
///
/// # Safety
/// There is memory for all of them.
#[inline(always)]
unsafe fn first_bytes(entry: usize) -> u64 {
    /// At any address.
    #[derive(Clone, Copy)]
    #[repr(C, packed)]
    struct Bytes(u64);
    // SAFETY: the caller's promise.
    unsafe { (entry as *const Bytes).read_volatile() }.0
}

/// Names to look for, with what was found the last time.
pub struct Names<const N: usize> {
    names: [&'static str; N],
    /// A bit for the lower six bits of each byte that one of them begins with.
    initials: u64,
    /// Whether a value counts. A name may stand there twice: of its values, one that counts is found.
    counts: fn(&[u8]) -> bool,
    seen: &'static Seen<N>,
}

/// What was found the last time. It is a static of its own, because a static of zeros takes no space in the library's
/// file.
pub struct Seen<const N: usize> {
    /// Odd while it is written, 0 before it was.
    version: AtomicU32,
    block: AtomicUsize,
    count: AtomicUsize,
    /// The addresses of the entries, followed by as many of `NO_ENTRY` as fill the last step of the sum.
    entries: [AtomicUsize; MAX],
    /// The sum of the first eight bytes of all entries.
    sum: AtomicU64,
    /// The number of steps of the sum; 0 if the sum is not sufficient (`Found::sum`).
    steps: AtomicUsize,
    /// The address of the value of each name; 0 for none.
    values: [AtomicUsize; N],
}

impl<const N: usize> Seen<N> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Seen {
            version: AtomicU32::new(0),
            block: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            entries: [const { AtomicUsize::new(0) }; MAX],
            sum: AtomicU64::new(0),
            steps: AtomicUsize::new(0),
            values: [const { AtomicUsize::new(0) }; N],
        }
    }

    /// The version, if the block still has the entries that were remembered.
    #[inline(always)]
    fn version_of_same_entries(&self) -> Option<u32> {
        let version = self.version.load(Ordering::Acquire);
        // SAFETY: reads the pointer to the block.
        let block = unsafe { block() };
        if version == 0 || version & 1 == 1 || block as usize != self.block.load(Ordering::Relaxed) {
            return None;
        }
        let count = self.count.load(Ordering::Relaxed);
        // SAFETY: the block had these entries and the NULL after them when it was remembered; a free may have changed
        // them since, which is why they are only compared; it is still mapped, being far smaller than what malloc maps
        // by itself and takes away again (M_MMAP_THRESHOLD, mallopt(3)). Both may be written to meanwhile, as by
        // `setenv` anywhere: the C library reads bytes, and what it found counts only if the version is still the same
        // later.
        let is_same = unsafe {
            libc::memcmp(block.cast(), self.entries.as_ptr().cast(), count * size_of::<usize>()) == 0
                && block.add(count).read_volatile().is_null()
        };
        is_same.then_some(version)
    }

    #[inline(always)]
    fn is_still(&self, version: u32) -> bool {
        fence(Ordering::Acquire);
        self.version.load(Ordering::Relaxed) == version
    }

    /// Whether one of the names is set to a value that counts, if the block is still the same.
    #[inline(always)]
    fn remembered(&self, names: &Names<N>) -> Option<bool> {
        let version = self.version_of_same_entries()?;
        let steps = self.steps.load(Ordering::Acquire);
        let answer = if steps == 0 { self.any_of(names) } else { false };
        if steps > 0 && self.sum_of(steps) != self.sum.load(Ordering::Relaxed) {
            return None;
        }
        self.is_still(version).then_some(answer)
    }

    #[inline(always)]
    fn sum_of(&self, steps: usize) -> u64 {
        let mut sum = 0_u64;
        for [a, b, c, d, e, f, g, h] in self.entries.as_chunks::<STEP>().0.iter().take(steps) {
            // SAFETY: there were eight bytes when it was remembered, and `getenv` would follow the same pointer.
            let first = |entry: &AtomicUsize| unsafe { first_bytes(entry.load(Ordering::Relaxed)) };
            // One after the other: the library is compiled for size, in which loops stay loops.
            sum = sum.wrapping_add(first(a)).wrapping_add(first(b)).wrapping_add(first(c)).wrapping_add(first(d));
            sum = sum.wrapping_add(first(e)).wrapping_add(first(f)).wrapping_add(first(g)).wrapping_add(first(h));
        }
        sum
    }

    /// Looks at the values that were found and, unless one of them counts, at each entry. Of an entry with another name
    /// it reads one byte.
    #[inline(never)]
    fn any_of(&self, names: &Names<N>) -> bool {
        let counts = names.counts;
        let is_found = |(name, value): (&&str, &AtomicUsize)| {
            let Some(entry) = value.load(Ordering::Relaxed).checked_sub(name.len() + 1) else { return false };
            // SAFETY: a whole string when it was remembered, and `getenv` would follow the same pointer.
            unsafe { value_behind(entry as *const c_char, name.as_bytes()).is_some_and(|value| counts(text(value))) }
        };
        if names.names.iter().zip(&self.values).any(is_found) {
            return true;
        }
        let (mut answer, initials) = (false, names.initials);
        for entry in self.entries.get(..self.count.load(Ordering::Relaxed)).unwrap_or_default() {
            let entry = entry.load(Ordering::Relaxed) as *const c_char;
            if entry.is_null() {
                break; // another thread is just remembering other entries, so the version will differ
            }
            // SAFETY: a whole string when it was remembered, and `getenv` would follow the same pointer.
            let first = unsafe { entry.read_volatile() } as u8;
            if initials >> (first & 63) & 1 == 1 {
                // SAFETY: as above.
                answer |= unsafe { names.value_at(entry) }.is_some_and(counts);
            }
        }
        answer
    }

    fn remember(&self, found: &Found<N>, entries: Option<&[usize]>) {
        let version = self.version.load(Ordering::Relaxed);
        let writing = version | 1;
        let fits = |all: &&[usize]| all.len() <= MAX - STEP && found.block != 0 && version & 1 == 0;
        let Some(entries) = entries.filter(fits) else { return };
        if self.version.compare_exchange(version, writing, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return; // another thread does the same
        }
        fence(Ordering::Release);
        self.block.store(found.block, Ordering::Relaxed);
        self.count.store(entries.len(), Ordering::Relaxed);
        let filled = entries.iter().copied().chain([NO_ENTRY.as_ptr() as usize; STEP]);
        for (place, entry) in self.entries.iter().zip(filled) {
            place.store(entry, Ordering::Relaxed);
        }
        self.sum.store(found.sum.unwrap_or(0), Ordering::Relaxed);
        // A thread that reads this number of steps also reads these entries, none of which is NULL.
        self.steps.store(found.sum.map_or(0, |_| entries.len().div_ceil(STEP)), Ordering::Release);
        for (place, value) in self.values.iter().zip(found.values) {
            place.store(value, Ordering::Relaxed);
        }
        self.version.store(writing.wrapping_add(1).max(2), Ordering::Release);
    }
}

/// What one pass over the block found.
struct Found<const N: usize> {
    block: usize,
    count: usize,
    values: [usize; N],
    /// The sum of the first eight bytes of all entries; `None` if one begins like one of the names, or is too short.
    sum: Option<u64>,
}

impl<const N: usize> Names<N> {
    /// Each not empty.
    #[allow(clippy::indexing_slicing)] // within bounds, and when it is compiled
    pub const fn new(names: [&'static str; N], counts: fn(&[u8]) -> bool, seen: &'static Seen<N>) -> Self {
        let mut initials = 0;
        let mut index = 0;
        while index < N {
            initials |= 1 << (names[index].as_bytes()[0] & 63);
            index += 1;
        }
        Names { names, initials, counts, seen }
    }

    /// The value of an entry of one of the names.
    ///
    /// # Safety
    /// The entry is a terminated string.
    unsafe fn value_at<'a>(&self, entry: *const c_char) -> Option<&'a [u8]> {
        // SAFETY: the caller's promise; behind the `=` of a terminated string.
        self.names.iter().find_map(|name| unsafe { value_behind(entry, name.as_bytes()).map(|value| text(value)) })
    }

    /// The same as [`any`], by reading the block anew.
    #[cold]
    #[inline(never)]
    fn look_for(&self) -> bool {
        let Some(values) = self.look() else { return true };
        // SAFETY: a string that was whole when it was read; glibc never frees one.
        values.into_iter().any(|value| value != 0 && (self.counts)(unsafe { text(value) }))
    }

    /// Reads the block anew and remembers it. If it changes all the time, returns what was found before; `None` if
    /// nothing was.
    fn look(&self) -> Option<[usize; N]> {
        let mut entries = [0; MAX];
        for _ in 0..TRIES {
            if let Some(found) = self.read(&mut entries) {
                self.seen.remember(&found, entries.get(..found.count));
                return Some(found.values);
            }
            std::hint::spin_loop();
        }
        let before = || self.seen.values.each_ref().map(|value| value.load(Ordering::Acquire));
        (self.seen.version.load(Ordering::Acquire) != 0).then(before)
    }

    /// The first eight bytes of an entry; `None` if they do not show that it has none of the names.
    fn first_bytes_of_other(&self, entry: usize, memory: &mut Memory) -> Option<u64> {
        let bytes = memory.first_bytes(entry)?;
        let begins_like = |name: &str| name.bytes().chain([b'=']).zip(bytes.to_ne_bytes()).all(|(a, b)| a == b);
        let is_other = !self.names.iter().any(|name| begins_like(name));
        is_other.then_some(bytes)
    }

    /// One pass over the block; `None` if it changed meanwhile.
    fn read(&self, entries: &mut [usize; MAX]) -> Option<Found<N>> {
        let mut memory = Memory::default();
        let (mut values, mut sum) = ([0; N], Some(0_u64));
        // SAFETY: reads the pointer to the block, each entry once, and follows none but through `Memory`.
        unsafe {
            let block = block();
            let mut count = 0;
            while !block.is_null() {
                let place = block.add(count).read_volatile() as usize;
                if place == 0 {
                    break;
                }
                // Before the entry is looked at: a change after this moment changes the sum.
                sum = sum.and_then(|sum| Some(sum.wrapping_add(self.first_bytes_of_other(place, &mut memory)?)));
                for (name, value) in self.names.iter().zip(&mut values) {
                    if let Some(one) = memory.value_of(place, name)?
                        && (*value == 0 || (self.counts)(text(one)))
                    {
                        *value = one;
                    }
                }
                if let Some(entry) = entries.get_mut(count) {
                    *entry = place;
                }
                count += 1;
            }
            let unchanged = |(index, known): (usize, &usize)| block.add(index).read_volatile() as usize == *known;
            let same = super::block() == block && entries.iter().take(count).enumerate().all(unchanged);
            same.then_some(Found { block: block as usize, count, values, sum })
        }
    }
}

/// Whether one of the names is set to a value that counts. No allocation, and no system call while nothing changes: one
/// comparison of memory (memcmp(3)) and one sum, some 130 instructions for 30 variables. If the environment could never
/// be read because it changes without pause, the answer is yes.
#[inline(always)]
pub fn any<const N: usize>(names: &Names<N>) -> bool {
    match names.seen.remembered(names) {
        Some(answer) => answer,
        None => names.look_for(),
    }
}

/// Calls `found(index, value)` for each of the names that is set.
pub fn visit<const N: usize>(names: &Names<N>, found: &mut dyn FnMut(usize, &[u8])) {
    for (index, value) in names.look().into_iter().flatten().enumerate() {
        if value != 0 {
            // SAFETY: as in `any`.
            found(index, unsafe { text(value) });
        }
    }
}

/// Where the value begins, if the entry has that name. The C library compares, since a program may change the entry
/// meanwhile.
///
/// # Safety
/// The entry is a terminated string.
unsafe fn value_behind(entry: *const c_char, name: &[u8]) -> Option<usize> {
    // SAFETY: strncmp(3) stops at the end of the string; there is a byte behind those that are the name's.
    unsafe {
        let is_name = libc::strncmp(entry, name.as_ptr().cast(), name.len()) == 0
            && entry.add(name.len()).read_volatile() as u8 == b'=';
        is_name.then_some(entry as usize + name.len() + 1)
    }
}

unsafe fn text<'a>(value: usize) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(value as *const c_char) }.to_bytes()
}

/// Reads memory that may not be mapped.
#[derive(Default)]
struct Memory {
    /// The page that was last found to be mapped.
    known: usize,
}

impl Memory {
    const PAGE: usize = 4096;

    /// The byte at this address; `None` if no memory is mapped there.
    fn byte(&mut self, at: usize) -> Option<u8> {
        let page = at & !(Self::PAGE - 1);
        if page == 0 {
            return None;
        }
        if page != self.known {
            let mut is_resident = 0;
            // SAFETY: mincore(2) looks at no content and writes one byte for one page; it fails with ENOMEM where
            // nothing is mapped.
            if unsafe { libc::mincore(page as *mut _, 1, &mut is_resident) } != 0 {
                return None;
            }
            self.known = page;
        }
        // SAFETY: its page is mapped. Strings that glibc made are never freed; what else this may be is only looked at.
        Some(unsafe { (at as *const u8).read_volatile() })
    }

    /// The first eight bytes of an entry; `None` if it is shorter and its memory may end with it.
    fn first_bytes(&mut self, entry: usize) -> Option<u64> {
        const REST: usize = size_of::<u64>() - 1;
        let mut is_text = |offset| self.byte(entry.checked_add(offset)?).filter(|byte| *byte != 0);
        let is_within_page = entry % Self::PAGE < Self::PAGE - REST && is_text(0).is_some();
        let is_there = is_within_page || (0..REST).all(|offset| is_text(offset).is_some());
        // SAFETY: on one page, which is mapped, or all but the last byte are of a text, which has one more.
        is_there.then(|| unsafe { first_bytes(entry) })
    }

    /// Where the value begins, if the entry at this address has that name and ends within reach. The outer `None`: it
    /// cannot be read.
    fn value_of(&mut self, entry: usize, name: &str) -> Option<Option<usize>> {
        for (offset, byte) in name.bytes().chain([b'=']).enumerate() {
            if self.byte(entry.checked_add(offset)?)? != byte {
                return Some(None);
            }
        }
        let value = entry + name.len() + 1;
        for offset in 0..VALUE_MAX {
            if self.byte(value + offset)? == 0 {
                return Some(Some(value));
            }
        }
        Some(Some(value))
    }
}

/// The value of a variable, as `getenv` gives it, while other threads change the environment. NULL where there is none.
///
/// Where the environment stands still, its entries are the remembered ones, and none is followed that was not readable.
#[cfg(any(feature = "reserve", test))]
pub fn find(name: &CStr) -> *mut c_char {
    static SEEN: Seen<1> = Seen::new();
    static NAMES: Names<1> = Names::new(["\u{1}"], |_| false, &SEEN);
    let name = name.to_bytes();
    for _ in 0..TRIES {
        if let Some(found) = SEEN.find(name) {
            return found as *mut c_char;
        }
        let mut entries = [0; MAX];
        let Some(found) = NAMES.read(&mut entries) else { continue };
        if found.count > MAX - STEP {
            return NAMES.find_among_many(found.block, name) as *mut c_char;
        }
        SEEN.remember(&found, entries.get(..found.count));
    }
    std::ptr::null_mut()
}

#[cfg(any(feature = "reserve", test))]
impl<const N: usize> Seen<N> {
    /// Where the value of a variable begins, 0 for none, if the block still is the same.
    fn find(&self, name: &[u8]) -> Option<usize> {
        let version = self.version_of_same_entries()?;
        let count = self.count.load(Ordering::Relaxed);
        let value = |entry: &AtomicUsize| {
            let entry = entry.load(Ordering::Relaxed) as *const c_char;
            // SAFETY: as in `remembered`.
            (!entry.is_null()).then(|| unsafe { value_behind(entry, name) }).flatten()
        };
        let found = self.entries.iter().take(count).find_map(value);
        self.is_still(version).then_some(found.unwrap_or(0))
    }
}

#[cfg(any(feature = "reserve", test))]
impl<const N: usize> Names<N> {
    /// The same in a block with more entries than are remembered. 0, too, where it changes meanwhile.
    fn find_among_many(&self, block: usize, name: &[u8]) -> usize {
        let (mut memory, block) = (Memory::default(), block as *const usize);
        let Ok(name) = std::str::from_utf8(name) else { return 0 };
        for index in 0.. {
            // SAFETY: the block had this entry a moment ago, and is still mapped (see `remembered`).
            let entry = unsafe { block.add(index).read_volatile() };
            if entry == 0 {
                break;
            }
            match memory.value_of(entry, name) {
                Some(Some(value)) => return value,
                Some(None) => {}
                None => return 0,
            }
        }
        0
    }
}

/// What the shared library's own code, and the crates in it, call as `getenv`: std's `env::var` ends there, of whatever
/// crate. Hidden, so that the program keeps its own.
#[cfg(all(feature = "reserve", not(test)))]
mod own_getenv {
    use std::ffi::{CStr, c_char};

    extern "C" fn find(name: *const c_char) -> *mut c_char {
        if name.is_null() {
            return std::ptr::null_mut();
        }
        // SAFETY: whoever calls `getenv` gives a terminated string.
        super::find(unsafe { CStr::from_ptr(name) })
    }

    #[cfg(target_arch = "x86_64")]
    std::arch::global_asm!(
        ".globl getenv",
        ".hidden getenv",
        ".type getenv, @function",
        "getenv:",
        "jmp {find}",
        find = sym find
    );
    #[cfg(target_arch = "aarch64")]
    std::arch::global_asm!(
        ".globl getenv",
        ".hidden getenv",
        ".type getenv, %function",
        "getenv:",
        "b {find}",
        find = sym find
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_as_getenv_finds_it() {
        let value = |name: &CStr| {
            let found = find(name);
            // SAFETY: not NULL is the value of a variable, which nobody changes meanwhile.
            (!found.is_null()).then(|| unsafe { CStr::from_ptr(found) }.to_string_lossy().into_owned())
        };
        for name in [c"PATH", c"HOME", c"CARGO_PKG_NAME", c"NO_SUCH_VARIABLE_AT_ALL", c"PAT", c""] {
            assert_eq!(value(name), std::env::var(name.to_string_lossy().as_ref()).ok(), "{name:?}");
        }
    }
}
