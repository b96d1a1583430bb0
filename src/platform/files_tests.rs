//! Private files on a real disk, and what each system does with a file that others have open.
#![allow(clippy::unwrap_used)] // a test that cannot go on should stop

use super::*;
use crate::platform::folders::names_in;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_is_locked_can_be_read_and_written_but_not_locked_by_another() {
    let folder = folder();
    let path = folder.path().join("locked");
    let mut first = Private::create(&path).unwrap();
    assert!(first.try_lock().unwrap());
    first.write(b"text").unwrap();
    let mut second = Private::open(&path).unwrap();
    assert!(!second.try_lock().unwrap());
    assert_eq!(second.read(100).unwrap(), b"text");
    assert_eq!(std::fs::read(&path).unwrap(), b"text");
    drop(first);
    assert!(second.try_lock().unwrap());
}

#[test]
fn what_is_opened_at_its_end_grows_there_and_can_be_cut() {
    let folder = folder();
    let path = folder.path().join("appended");
    let (mut one, mut other) = (Private::append(&path).unwrap(), Private::append(&path).unwrap());
    one.add(b"a").unwrap();
    other.add(b"bc").unwrap();
    one.add(b"d").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"abcd");
    one.cut(2).unwrap();
    assert_eq!(other.length().unwrap(), 2);
    other.add(b"e").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"abe");
    cut(&path, 1).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"a");
}

#[test]
fn many_threads_may_put_the_same_file_in_place_at_once() {
    let folder = folder();
    let path = folder.path().join("file");
    for round in 0..100 {
        let barrier = std::sync::Barrier::new(8);
        let put = || {
            barrier.wait();
            put_in_place(&path, "process", b"whole")
        };
        let done: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(put)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        // Windows may refuse to replace a file that another thread is just replacing.
        let is_good = |done: &&io::Result<()>| done.is_ok();
        let least = if cfg!(windows) { 1 } else { 8 };
        assert!(done.iter().filter(is_good).count() >= least, "in round {round}: {done:?}");
        assert_eq!(names_in(folder.path()).unwrap(), ["file"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }
}

#[test]
fn a_file_that_was_removed_or_replaced_while_it_is_open_is_no_longer_at_its_path() {
    let folder = folder();
    let path = folder.path().join("replaced");
    let first = Private::create(&path).unwrap();
    assert!(first.is_at(&path));
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    assert!(!first.is_at(&path));
    put_in_place(&path, "test", b"other").unwrap();
    assert!(!first.is_at(&path));
    let second = Private::open(&path).unwrap();
    assert!(second.is_at(&path));
    std::fs::remove_file(&path).unwrap();
    // Windows before 10, and wine, remove it when its last handle is closed.
    let is_gone = std::fs::symlink_metadata(&path).is_err();
    assert!(is_gone != second.is_at(&path) && (is_gone || cfg!(windows)));
}

#[test]
fn a_link_is_not_followed() {
    let folder = folder();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    std::fs::write(&target, "another's").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&target, &link).unwrap();
    #[cfg(windows)]
    if std::os::windows::fs::symlink_file(&target, &link).is_err() || std::fs::symlink_metadata(&link).is_err() {
        return; // it is a privilege that not every user has, and wine 8 only says that it did
    }
    for opened in [Private::open(&link), Private::open_or_create(&link), Private::append(&link)] {
        assert_eq!(opened.err().unwrap().kind(), io::ErrorKind::InvalidData);
    }
    assert!(Private::create(&link).is_err());
    assert_eq!(std::fs::read(&target).unwrap(), b"another's");
}

#[test]
#[cfg(windows)]
fn what_another_process_has_just_now_or_the_system_is_short_of_is_passing() {
    for code in [4, 8, 14, 32, 33, 303, 1450, 1455] {
        assert!(is_passing(&io::Error::from_raw_os_error(code)), "{code}");
    }
    for code in [2, 3, 5, 39, 50, 87, 112, 123] {
        assert!(!is_passing(&io::Error::from_raw_os_error(code)), "{code}");
    }
}

#[test]
#[cfg(windows)]
fn a_lock_that_another_has_is_no_error_and_a_share_without_locks_is_one() {
    assert!(!not_locked(io::Error::from_raw_os_error(33)).unwrap());
    for code in [1, 5, 50] {
        assert_eq!(not_locked(io::Error::from_raw_os_error(code)).unwrap_err().raw_os_error(), Some(code));
    }
}

#[test]
#[cfg(windows)]
fn a_file_that_another_opened_without_sharing_is_passing() {
    let folder = folder();
    let path = folder.path().join("scanned");
    let _scanner = scanned(&path, 0);
    assert!(is_passing(&Private::open(&path).err().unwrap()));
}

/// A file that another process has open and shares in that way; with 0 in none.
#[cfg(windows)]
fn scanned(path: &Path, shared: u32) -> File {
    use std::os::windows::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create(true).truncate(false).share_mode(shared).open(path).unwrap()
}

/// What a change answers that is begun while another process has the file, and lets go of it soon.
#[cfg(windows)]
fn while_scanned(path: &Path, change: impl Fn() -> io::Result<()> + Sync) -> io::Result<()> {
    let scanner = scanned(path, 0);
    std::thread::scope(|scope| {
        let changed = scope.spawn(&change);
        // By then the change has begun, or it begins later and succeeds at once.
        std::thread::sleep(std::time::Duration::from_millis(15));
        drop(scanner);
        changed.join().unwrap()
    })
}

#[test]
#[cfg(windows)]
fn a_file_that_another_has_open_for_a_moment_is_removed_or_replaced_all_the_same() {
    let folder = folder();
    let path = folder.path().join("scanned");
    while_scanned(&path, || remove(&path)).unwrap();
    assert!(!path.exists());
    while_scanned(&path, || put_in_place(&path, "test", b"new")).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
}

#[test]
#[cfg(windows)]
fn a_file_that_another_does_not_let_be_removed_is_emptied() {
    const READ_AND_WRITE: u32 = 3;
    let folder = folder();
    let path = folder.path().join("sent");
    std::fs::write(&path, "was sent").unwrap();
    let scanner = scanned(&path, READ_AND_WRITE);
    assert!(remove(&path).is_err());
    drop(scanner);
    assert_eq!(std::fs::read(&path).unwrap(), b"");
}

#[test]
#[cfg(windows)]
fn a_change_that_windows_refuses_for_a_moment_is_tried_again_and_any_other_is_not() {
    let tries = |code: i32, refusals: u32| {
        let tried = std::cell::Cell::new(0);
        let answer = patiently(|| {
            tried.set(tried.get() + 1);
            if tried.get() <= refusals { Err(io::Error::from_raw_os_error(code)) } else { Ok(()) }
        });
        (tried.get(), answer.err().and_then(|error| error.raw_os_error()))
    };
    // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, ERROR_DELETE_PENDING.
    for code in [5, 32, 33, 303] {
        assert_eq!(tries(code, 2), (3, None), "{code}");
        assert_eq!(tries(code, 100), (6, Some(code)), "{code}");
    }
    // ERROR_FILE_NOT_FOUND, ERROR_HANDLE_DISK_FULL, ERROR_NOT_SUPPORTED, ERROR_DISK_FULL.
    for code in [2, 39, 50, 112] {
        assert_eq!(tries(code, 100), (1, Some(code)), "{code}");
    }
}
