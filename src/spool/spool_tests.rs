//! A spool on a real disk: what is put is found, by one process and by several, and nothing else is touched.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test that cannot go on should stop

use super::turn::{RUSH, STALE_LOCK};
use super::*;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};

const HERE: &str = "0123456789abcdef0123456789abcdef";
const THERE: &str = "fedcba9876543210fedcba9876543210";
const NOW: u64 = 1_800_000_000_000;
/// Three days.
const AGE_MAX_MS: u64 = 259_200_000;

fn place() -> (tempfile::TempDir, Spool) {
    let place = tempfile::tempdir().unwrap();
    let spool = Spool::open(&place.path().join("state")).unwrap();
    (place, spool)
}

/// The name of a batch that is put there, and not in memory any longer.
fn put(spool: &Spool, destination: &str, text: &str, now_ms: u64) -> Option<String> {
    spool.put(destination, text, now_ms).map(|(name, _)| name)
}

/// Another process's, by another writer's name.
fn other(spool: &Spool) -> Spool {
    Spool::open(spool.folder.parent().unwrap()).unwrap()
}

fn kind(read: io::Result<Vec<u8>>) -> io::ErrorKind {
    read.unwrap_err().kind()
}

fn names(spool: &Spool) -> Vec<String> {
    let mut names = spool.names().unwrap_or_default();
    names.retain(|name| !name.ends_with(".waiting")); // this file has a test of its own
    names.sort();
    names
}

fn list(spool: &Spool, destination: &str, now_ms: u64) -> Vec<String> {
    spool.list(destination, now_ms).unwrap().batches.into_iter().map(|(_, name)| name).collect()
}

fn failed(failures: u32) -> Health {
    (0..failures).fold(Health::default(), |health, _| health.after_failure(NOW, None, 0))
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_modified(path: &Path, when: SystemTime) {
    std::fs::File::options().append(true).open(path).unwrap().set_modified(when).unwrap();
}

#[test]
fn what_is_put_is_listed_read_and_removed() {
    let (_place, spool) = place();
    let second = put(&spool, HERE, "two", NOW + 1).unwrap();
    let first = put(&spool, HERE, "one", NOW).unwrap();
    let elsewhere = put(&spool, THERE, "three", NOW).unwrap();
    assert_eq!(list(&spool, HERE, NOW + 2), [first.as_str(), second.as_str()], "oldest first");
    assert_eq!(list(&spool, THERE, NOW + 2), [elsewhere]);
    assert_eq!(spool.read(&first).unwrap(), b"one");
    spool.remove(&first);
    spool.remove(&first);
    assert_eq!(kind(spool.read(&first)), io::ErrorKind::NotFound);
    assert_eq!(list(&spool, HERE, NOW + 2), [second]);
    assert_eq!(spool.files.load(Ordering::Relaxed), 2);
}

#[test]
fn an_existing_spool_is_opened_and_reading_creates_none() {
    let place = tempfile::tempdir().unwrap();
    assert!(Spool::existing(place.path()).is_none());
    assert!(names_in(place.path()).unwrap().is_empty());
    let name = put(&Spool::open(place.path()).unwrap(), HERE, "text", NOW).unwrap();
    assert_eq!(list(&Spool::existing(place.path()).unwrap(), HERE, NOW), [name]);
}

#[test]
fn folders_and_files_are_for_this_user_alone_whatever_the_umask_left_before() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("a/b/state");
    let spool = Spool::open(&state).unwrap();
    let name = put(&spool, HERE, "text", NOW).unwrap();
    spool.set_health(HERE, failed(1));
    spool.ask_for_turn(HERE);
    let Turn::Ours(_lock) = spool.turn(HERE) else { panic!("free") };
    for folder in ["a", "a/b", "a/b/state", "a/b/state/spool"] {
        assert_eq!(mode(&place.path().join(folder)), 0o700, "{folder}");
    }
    assert_eq!(names(&spool).len(), 4);
    for name in names(&spool) {
        assert_eq!(mode(&spool.folder.join(&name)), 0o600, "{name}");
    }
    // A folder that others may read is used as it is if no other user can change its content. Otherwise it is not
    // used.
    for folder in [&state, &spool.folder] {
        for (given, is_used) in [(0o755, true), (0o777, false), (0o770, false), (0o1777, true), (0o700, true)] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(given)).unwrap();
            let again = Spool::open(&state);
            assert_eq!((again.is_some(), mode(folder)), (is_used, given), "{given:o}");
            assert!(again.is_none_or(|again| list(&again, HERE, NOW) == [name.clone()]));
        }
    }
}

#[test]
fn a_folder_that_is_a_link_or_a_file_is_not_used() {
    let place = tempfile::tempdir().unwrap();
    let (elsewhere, state) = (place.path().join("elsewhere"), place.path().join("state"));
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::DirBuilder::new().mode(0o700).create(&state).unwrap();
    symlink(&elsewhere, state.join("spool")).unwrap();
    assert!(Spool::open(&state).is_none());
    std::fs::remove_file(state.join("spool")).unwrap();
    symlink(place.path().join("nowhere"), state.join("spool")).unwrap();
    assert!(Spool::open(&state).is_none(), "a link to nothing");
    std::fs::remove_file(state.join("spool")).unwrap();
    std::fs::write(state.join("spool"), "").unwrap();
    assert!(Spool::open(&state).is_none(), "a file");
    let link = place.path().join("link");
    symlink(&elsewhere, &link).unwrap();
    assert!(Spool::open(&link).is_none(), "the state folder itself");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert_eq!(mode(&elsewhere), 0o755);
}

#[test]
fn a_file_that_is_a_link_a_folder_or_a_fifo_is_neither_read_nor_written() {
    let (place, spool) = place();
    let target = place.path().join("mine");
    std::fs::write(&target, "mine").unwrap();
    let name = format!("{HERE}-{NOW:013}-00-0.batch");
    let path = spool.folder.join(&name);
    symlink(&target, &path).unwrap();
    assert_eq!(kind(spool.read(&name)), io::ErrorKind::InvalidData);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(kind(spool.read(&name)), io::ErrorKind::InvalidData);
    std::fs::remove_dir(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(kind(spool.read(&name)), io::ErrorKind::InvalidData);

    symlink(&target, spool.folder.join(format!("{HERE}.lock"))).unwrap();
    assert!(matches!(spool.turn(HERE), Turn::Impossible));
    symlink(&target, spool.folder.join(Mark::Want.name(HERE))).unwrap();
    spool.ask_for_turn(HERE);
    symlink(&target, spool.folder.join(Mark::Retry.name(HERE))).unwrap();
    assert_eq!(spool.health(HERE), Health::default());
    spool.set_health(HERE, failed(3));
    assert_eq!(spool.health(HERE), failed(3), "the link is replaced");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
}

#[test]
fn a_folder_of_another_user_is_not_used() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    drop(Spool::open(&state).unwrap());
    for folder in [state.join("spool"), state.clone()] {
        if std::os::unix::fs::chown(&folder, Some(65_534), None).is_err() {
            println!("skipped: takes root to give a folder away");
            return;
        }
        assert!(Spool::open(&state).is_none());
        std::os::unix::fs::chown(&folder, Some(0), None).unwrap();
        assert!(Spool::open(&state).is_some());
    }
}

#[test]
fn as_many_files_as_allowed_are_kept_and_capacity_is_found_again() {
    let (_place, spool) = place();
    let kept: Vec<_> = (0..FILES_MAX + 5).filter_map(|_| put(&spool, HERE, "x", NOW)).collect();
    assert_eq!(kept.len() as u64, FILES_MAX);
    assert_eq!(put(&other(&spool), HERE, "x", NOW), None, "another process counts the same files");
    // Another process sends one, which this one does not know of.
    std::fs::remove_file(spool.folder.join(&kept[0])).unwrap();
    assert!(put(&spool, HERE, "x", NOW).is_some());
    assert_eq!(put(&spool, HERE, "x", NOW), None);
}

#[test]
fn as_many_bytes_as_allowed_are_kept_and_capacity_is_found_again() {
    let (_place, spool) = place();
    let text = "x".repeat(BATCH_MAX as usize);
    let kept: Vec<_> = (0..40).filter_map(|_| put(&spool, HERE, &text, NOW)).collect();
    assert_eq!(kept.len() as u64, BYTES_MAX / BATCH_MAX);
    assert_eq!(spool.read(&kept[0]).unwrap().len(), text.len(), "the largest can be read");
    spool.remove(&kept[0]);
    assert!(put(&spool, HERE, &text, NOW).is_some());
}

#[test]
fn a_disk_that_was_slow_is_spared_for_a_minute() {
    let (_place, spool) = place();
    let kept = || put(&spool, HERE, "x", NOW).is_some();
    *lock(&spool.slow) = Some(Instant::now());
    assert!(!kept());
    *lock(&spool.slow) = Some(Instant::now().checked_sub(SPARED).unwrap());
    assert!(kept());
}

#[test]
fn a_file_that_is_too_large_for_a_batch_is_not_read() {
    let (_place, spool) = place();
    let name = put(&spool, HERE, &"x".repeat(BATCH_MAX as usize + 1), NOW).unwrap();
    assert_eq!(kind(spool.read(&name)), io::ErrorKind::InvalidData);
}

#[test]
fn what_is_too_old_or_from_the_far_future_is_expired_whatever_its_destination() {
    let (_place, spool) = place();
    let second = other(&spool);
    for destination in [HERE, THERE] {
        put(&second, destination, "old", NOW - AGE_MAX_MS - 1).unwrap();
        put(&second, destination, "future", NOW + AGE_MAX_MS + 1).unwrap();
    }
    let oldest = put(&second, HERE, "x", NOW - AGE_MAX_MS).unwrap();
    let newest = put(&second, HERE, "x", NOW + AGE_MAX_MS).unwrap();
    let in_hand = put(&spool, HERE, "its own", NOW - AGE_MAX_MS - 1).unwrap();
    assert_eq!(list(&spool, HERE, NOW), [in_hand, oldest, newest]);
    let expired = spool.list(HERE, NOW).unwrap().expired;
    assert_eq!(expired.len(), 4);
    expired.iter().for_each(|name| spool.remove(name));
    assert_eq!(names(&spool).len(), 3);
}

#[test]
fn what_was_set_aside_or_half_written_goes_when_it_is_old_and_foreign_files_stay() {
    let (_place, spool) = place();
    let torn = put(&spool, HERE, "{\"format\"", NOW).unwrap();
    spool.set_aside(&torn);
    let torn = torn.replace(".batch", ".torn");
    let half = format!(".{HERE}-{NOW:013}-00-0.batch.00.new");
    let foreign = [
        "README",
        "note.new",
        ".hidden",
        "x.batch",
        "x-1-2-3.batch",
        "../up.batch",
        &format!("{HERE}-soon-00-0.batch"),
        &format!("{HERE}-{NOW}-zz-0.batch"),
        &format!("{HERE}.batch"),
    ]
    .map(|name| name.replace('/', "_"));
    for name in foreign.iter().chain([&half]) {
        std::fs::write(spool.folder.join(name), "x").unwrap();
    }
    assert_eq!(list(&spool, HERE, NOW), Vec::<String>::new());
    assert_eq!(names(&spool).len(), foreign.len() + 2, "none is old");
    let old = SystemTime::now() - AGE_MAX - Duration::from_secs(60);
    names(&spool).iter().for_each(|name| set_modified(&spool.folder.join(name), old));
    list(&spool, HERE, NOW);
    let (left, mut expected) = (names(&spool), foreign.to_vec());
    expected.sort();
    assert_eq!(left, expected);
    assert!(!left.contains(&torn) && !left.contains(&half));
    spool.purge(NOW, NOW);
    assert_eq!(names(&spool), expected, "nor does a purge");
}

#[test]
fn one_at_a_time_has_the_turn_for_a_destination() {
    let (_place, spool) = place();
    let second = other(&spool);
    let Turn::Ours(lock) = spool.turn(HERE) else { panic!("free") };
    assert!(matches!(second.turn(HERE), Turn::Busy));
    assert!(matches!(spool.turn(HERE), Turn::Busy), "also in this process");
    assert!(matches!(second.turn(THERE), Turn::Ours(_)), "another destination");
    drop(lock);
    assert!(matches!(second.turn(HERE), Turn::Ours(_)));
}

#[test]
fn the_next_process_with_the_turn_is_told_for_a_moment_that_many_exit_at_once() {
    let (_place, spool) = place();
    let path = spool.folder.join(format!("{HERE}.lock"));
    let is_rush = |says: Option<bool>| {
        let Turn::Ours(lock) = other(&spool).turn(HERE) else { panic!("free") };
        says.into_iter().for_each(|says| lock.set_rush(says));
        lock.is_rush()
    };
    assert!(!is_rush(None) && !is_rush(Some(true)));
    assert!(is_rush(None) && is_rush(None));
    set_modified(&path, SystemTime::now() - RUSH - Duration::from_secs(1));
    assert!(!is_rush(None), "that was long ago");
    assert!(is_rush(Some(false)) && !is_rush(None), "it is over");
}

#[test]
fn a_batch_that_was_taken_over_is_gone_for_its_writer() {
    let (_place, spool) = place();
    let left = put(&spool, HERE, "text", NOW).unwrap();
    let claimed = other(&spool).claim(&left).unwrap();
    assert_eq!(list(&spool, HERE, NOW), std::slice::from_ref(&claimed));
    assert!(spool.is_given_away(&claimed) && spool.is_free(&claimed, NOW), "{claimed}");
    assert_eq!(kind(spool.read(&left)), io::ErrorKind::NotFound);
    assert_eq!(spool.read(&claimed).unwrap(), b"text");
    assert_eq!((spool.claim(&left), stamp_of(&claimed)), (None, Some(NOW)));
}

#[test]
fn a_batch_is_cut_off_and_one_that_is_gone_is_not_made_anew() {
    let (_place, spool) = place();
    let name = put(&spool, HERE, "one\ntwo\n", NOW).unwrap();
    spool.cut(&name, 4).unwrap();
    assert_eq!(spool.read(&name).unwrap(), b"one\n");
    spool.remove(&name);
    assert!(spool.cut(&name, 4).is_err());
    assert_eq!(names(&spool), Vec::<String>::new());
}

#[test]
fn what_a_killed_process_had_sent_is_told_to_the_next_turn_and_what_is_known_is_not() {
    let (_place, spool) = place();
    let path = spool.folder.join(format!("{HERE}.lock"));
    let turn = || match spool.turn(HERE) {
        Turn::Ours(lock) => lock,
        _ => panic!("free"),
    };
    let name = put(&spool, HERE, "text", NOW).unwrap();
    // One of as many batches as a request may hold.
    let part = Part { name: name.clone(), length: 4, events: 1 };
    let request = Unsettled { at_ms: NOW, parts: vec![part; 512] };
    let left = |is_rush: bool, is_over: bool| {
        let lock = turn();
        lock.set_rush(is_rush);
        lock.note(&request)();
        if is_over {
            lock.forget();
        }
        let text = std::fs::read(&path).unwrap();
        drop(lock);
        std::fs::write(&path, text).unwrap(); // as a kill leaves it
        drop(turn()); // a turn in which nobody asks
        let mut next = turn();
        let told = (next.unsettled(), next.is_rush());
        drop(next);
        let mut last = turn();
        assert_eq!((last.unsettled(), last.is_rush()), (None, is_rush), "told once");
        told
    };
    for is_rush in [false, true] {
        assert_eq!(left(is_rush, false), (Some(request.clone()), is_rush));
        assert_eq!(left(is_rush, true), (None, is_rush));
    }
    let later = BatchName { made_ms: NOW - 1, is_given_away: true, ..BatchName::parse(&name).unwrap() }.to_string();
    std::fs::rename(spool.folder.join(&name), spool.folder.join(&later)).unwrap();
    assert_eq!(spool.same(&request.parts[0]), Some(later.clone()), "by whatever name");
    spool.cut(&later, 2).unwrap();
    assert_eq!(spool.same(&request.parts[0]), None, "settled");
}

#[test]
fn a_lock_that_is_not_touched_is_taken_over_and_one_that_is_touched_is_not() {
    let (_place, spool) = place();
    let path = spool.folder.join(format!("{HERE}.lock"));
    let long_ago = SystemTime::now() - STALE_LOCK - Duration::from_secs(1);
    let Turn::Ours(lock) = spool.turn(HERE) else { panic!("free") };
    set_modified(&path, long_ago);
    lock.note(&Unsettled { at_ms: NOW, parts: Vec::new() })();
    assert!(matches!(spool.turn(HERE), Turn::Busy));
    set_modified(&path, long_ago);
    let Turn::Ours(takeover) = spool.turn(HERE) else { panic!("stale") };
    // The one that stood still goes on, and neither takes the new one's away nor gives it free.
    lock.note(&Unsettled { at_ms: NOW, parts: Vec::new() })();
    drop(lock);
    assert!(matches!(spool.turn(HERE), Turn::Busy));
    drop(takeover);
    assert!(matches!(spool.turn(HERE), Turn::Ours(_)));
    let Turn::Ours(_lock) = spool.turn(HERE) else { panic!("free") };
    set_modified(&path, SystemTime::now() + STALE_LOCK + Duration::from_secs(60));
    assert!(matches!(spool.turn(HERE), Turn::Ours(_)), "locked by a clock that was set back since");
}

/// A forked child that does nothing, until it is dropped here.
struct Child(libc::pid_t);

#[allow(unsafe_code)]
impl Child {
    fn fork() -> Self {
        // SAFETY: the child calls nothing but pause(2), until it is killed.
        let process = unsafe { libc::fork() };
        if process == 0 {
            loop {
                // SAFETY: as above.
                unsafe { libc::pause() };
            }
        }
        Child(process)
    }
}

#[allow(unsafe_code)]
impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: ends and collects the process made above.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

#[test]
fn a_child_that_was_forked_with_the_lock_does_not_hold_it() {
    let (_place, spool) = place();
    let path = spool.folder.join(format!("{HERE}.lock"));
    let Turn::Ours(lock) = spool.turn(HERE) else { panic!("free") };
    let _child = Child::fork();
    drop(lock);
    let Turn::Ours(lock) = spool.turn(HERE) else { panic!("the child holds it") };
    let _another = Child::fork();
    std::mem::forget(lock); // its process was killed, and its child goes on
    assert!(matches!(spool.turn(HERE), Turn::Busy));
    set_modified(&path, SystemTime::now() - STALE_LOCK - Duration::from_secs(1));
    assert!(matches!(spool.turn(HERE), Turn::Ours(_)));
}

#[test]
fn of_many_that_take_over_a_stale_lock_one_gets_it() {
    let (_place, spool) = place();
    let path = spool.folder.join(format!("{HERE}.lock"));
    for round in 0..200 {
        let Turn::Ours(lock) = spool.turn(HERE) else { panic!("free in round {round}") };
        std::mem::forget(lock);
        set_modified(&path, SystemTime::now() - STALE_LOCK - Duration::from_secs(1));
        let barrier = std::sync::Barrier::new(8);
        let race = || {
            barrier.wait();
            match spool.turn(HERE) {
                Turn::Ours(lock) => Some(lock),
                _ => None,
            }
        };
        let holders: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(holders.len(), 1, "in round {round}");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_batch_is_lost_with_its_folder_but_not_if_the_folder_only_has_another_number() {
    let (place, spool) = place();
    let (name, mut put_in) = spool.put(HERE, "text", NOW).unwrap();
    assert!(!spool.has_lost(&name, &mut put_in) && spool.has_folder());
    let elsewhere = folder_id(place.path()).unwrap();
    let mut place = spool.place_in(elsewhere);
    assert!(*put_in != elsewhere && !spool.has_folder(), "one of two is not in the folder of now");
    assert!(!spool.has_lost(&name, &mut place) && place == put_in && spool.has_folder());
    drop(place);
    spool.remove(&name);
    assert!(!spool.has_lost(&name, &mut put_in), "another process took it");
    std::fs::remove_dir_all(&spool.folder).unwrap();
    assert!(spool.has_lost(&name, &mut put_in) && !spool.has_folder());
    let again = spool.put(HERE, "text", NOW).unwrap(); // which makes the folder again
    // The new folder may have the number of the old one; std does not tell on musl when a folder was made.
    let is_told = std::fs::symlink_metadata(&spool.folder).unwrap().created().is_ok();
    assert!(!is_told || (spool.has_lost(&name, &mut put_in) && !spool.has_folder()), "one of two is there again");
    drop(put_in);
    assert!(spool.has_folder());
    drop(again);
    std::fs::remove_dir_all(&spool.folder).unwrap();
    assert!(spool.has_folder(), "nothing is in memory that was in it");
}

#[test]
fn a_turn_that_is_asked_for_is_seen_once() {
    let (_place, spool) = place();
    assert!(!spool.is_turn_wanted(HERE));
    other(&spool).ask_for_turn(HERE);
    other(&spool).ask_for_turn(HERE);
    assert!(!spool.is_turn_wanted(THERE));
    assert!(spool.is_turn_wanted(HERE));
    assert!(!spool.is_turn_wanted(HERE));
}

#[test]
fn a_destination_is_marked_while_batches_may_wait_for_it() {
    let (place, spool) = place();
    let state = place.path().join("state");
    let marked = || [HERE, THERE].map(|destination| Spool::is_marked_waiting(&state, destination));
    let put = |destination: &str| drop(put(&spool, destination, "text", NOW));
    assert_eq!(marked(), [false, false]);
    put(HERE);
    assert_eq!(marked(), [true, false]);
    put(THERE);
    assert_eq!(marked(), [true, true]);
    assert_eq!(*lock(&spool.marked), [HERE, THERE], "later batches need no new mark");
    spool.unmark_waiting(HERE);
    assert_eq!(marked(), [false, true]);
    put(HERE);
    assert_eq!(marked(), [true, true], "again");
    spool.purge(NOW, NOW);
    assert_eq!(marked(), [true, true], "batches of the same moment stay");
    spool.purge(NOW + 1, NOW + 1);
    assert_eq!((marked(), spool.folder.exists()), ([false, false], false));
    put(THERE);
    assert_eq!(marked(), [false, true], "in a new folder");
}

#[test]
fn a_batch_is_its_writers_until_it_is_given_away_or_abandoned() {
    let (_place, spool) = place();
    let second = other(&spool);
    let name = put(&spool, HERE, "text", NOW).unwrap();
    let late = NOW + RESERVED_MS + 1;
    assert!(!spool.is_free(&name, NOW) && !spool.is_free(&name, late), "its own, of which it knows");
    assert!(!second.is_free(&name, NOW) && !second.is_free(&name, NOW + RESERVED_MS));
    assert!(second.is_free(&name, late), "its writer was killed");
    assert!(second.is_free(&name, NOW - RESERVED_MS - 1), "by a clock that was set back since");
    let given = spool.give_away(&name).unwrap();
    assert_eq!(list(&second, HERE, NOW), std::slice::from_ref(&given));
    assert_ne!(given, name);
    assert_eq!((spool.give_away(&name), spool.give_away(&given)), (None, None), "gone, and given away before");
    assert!(spool.is_free(&given, NOW) && second.is_free(&given, NOW));
    assert_eq!(second.read(&given).unwrap(), b"text");
    assert_eq!(list(&spool, HERE, NOW + AGE_MAX_MS + 1), Vec::<String>::new(), "it ages as before");
}

#[test]
fn a_purge_takes_what_was_there_and_keeps_what_came_after() {
    let (_place, spool) = place();
    put(&spool, HERE, "before", NOW - 1).unwrap();
    put(&spool, THERE, "before", NOW - 1).unwrap();
    put(&spool, HERE, "future", NOW + 1_001).unwrap();
    let given = put(&spool, HERE, "before", NOW - 1).unwrap();
    spool.give_away(&given);
    let torn = put(&spool, HERE, "torn", NOW - 1).unwrap();
    spool.set_aside(&torn);
    std::fs::write(spool.folder.join(".x.new"), "half").unwrap();
    let same = put(&spool, HERE, "same moment", NOW).unwrap();
    let after = put(&spool, THERE, "after", NOW + 1_000).unwrap();
    let Turn::Ours(_lock) = spool.turn(HERE) else { panic!("free") };
    spool.set_health(HERE, failed(1));
    spool.purge(NOW, NOW + 1_000);
    let mut expected = [same, after, format!("{HERE}.lock"), Mark::Retry.name(HERE)];
    expected.sort();
    assert_eq!(names(&spool), expected);
    assert_eq!(spool.files.load(Ordering::Relaxed), 4);
}

#[test]
fn a_failure_is_remembered_for_all_processes_until_it_is_over() {
    let (_place, spool) = place();
    let second = other(&spool);
    let health = failed(3);
    assert_eq!(spool.health(HERE), Health::default());
    spool.set_health(HERE, health);
    assert_eq!((second.health(HERE), second.health(THERE)), (health, Health::default()));
    second.set_health(HERE, Health::default());
    assert_eq!(spool.health(HERE), Health::default());
    spool.write(&Mark::Retry.name(HERE), b"{\"failures\":").unwrap();
    assert_eq!(spool.health(HERE), Health::default(), "torn");
}

#[test]
fn many_threads_of_many_processes_put_at_once_and_all_of_it_is_there_whole() {
    let (_place, spool) = place();
    let spools: Vec<_> = (0..4).map(|_| other(&spool)).collect();
    let text = |spool: usize, thread: usize, number: usize| format!("{spool} {thread} {number} ").repeat(200);
    let texts = &text;
    std::thread::scope(|scope| {
        for (index, spool) in spools.iter().enumerate() {
            for thread in 0..4 {
                scope.spawn(move || {
                    for number in 0..20 {
                        put(spool, HERE, &texts(index, thread, number), NOW).unwrap();
                    }
                });
            }
        }
        // A process that reads at the same time sees only whole batches.
        for _ in 0..20 {
            for name in list(&spool, HERE, NOW) {
                let read = String::from_utf8(spool.read(&name).unwrap()).unwrap();
                let words: Vec<usize> = read.split(' ').take(3).map(|word| word.parse().unwrap()).collect();
                assert_eq!(read, texts(words[0], words[1], words[2]));
            }
        }
    });
    let mut found: Vec<_> = list(&spool, HERE, NOW).iter().map(|name| spool.read(name).unwrap()).collect();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 4 * 4 * 20);
    assert_eq!(names(&spool).len(), found.len(), "and nothing half written");
}

#[test]
fn a_folder_that_is_gone_is_made_anew_and_one_that_cannot_be_is_no_fault() {
    let (place, spool) = place();
    std::fs::remove_dir_all(&spool.folder).unwrap();
    assert_eq!(spool.list(HERE, NOW), None, "which is not the same as empty");
    assert!(matches!(spool.turn(HERE), Turn::Impossible));
    assert!(put(&spool, HERE, "text", NOW).is_some());
    assert_eq!(mode(&spool.folder), 0o700);
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    std::fs::write(place.path().join("state"), "a file").unwrap();
    assert_eq!(put(&spool, HERE, "text", NOW), None);
    spool.purge(NOW, NOW);
    spool.remove("x");
    spool.give_away("x.batch");
    spool.set_aside("x.batch");
    assert!(matches!(spool.turn(HERE), Turn::Impossible));
}
