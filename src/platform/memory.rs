//! Is there memory? std ends the process where an allocation fails, so whoever is about to allocate for an event asks
//! first.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_not_there() {
        assert!(is_there(CALL_BYTES) && is_there(WORK_BYTES));
        assert!(!is_there(1 << 60));
    }
}
