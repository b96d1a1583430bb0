//! Another Rust archive, as another library in the same program may be: threads, a panic that is caught, allocations.

/// Twice the number, computed with threads, allocations and a panic.
#[unsafe(no_mangle)]
pub extern "C" fn other_answer(number: i32) -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| std::panic::panic_any(number)).unwrap_err();
    let caught = caught.downcast_ref::<i32>().copied().unwrap_or(-1);
    std::thread::spawn(move || vec![caught, number].iter().sum()).join().unwrap_or(-1)
}
