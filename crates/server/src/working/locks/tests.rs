use super::*;
use futures_util::FutureExt;

fn wish(owner: u64, kind: Kind, region: Range<u64>) -> Wish {
    Wish {
        owner,
        kind,
        region,
    }
}

fn shared(owner: u64, region: Range<u64>) -> Wish {
    wish(owner, Kind::Shared, region)
}

fn exclusive(owner: u64, region: Range<u64>) -> Wish {
    wish(owner, Kind::Exclusive, region)
}

const ALL: Range<u64> = 0..u64::MAX;

fn waits(locks: &Locks, wish: Wish) -> Waiter<'_> {
    match locks.lock(wish).unwrap() {
        Asked::Held => panic!("granted at once"),
        Asked::Waits(waiter) => waiter,
    }
}

#[test]
fn shared_locks_go_together_and_exclusive_ones_do_not() {
    let locks = Locks::default();
    assert_eq!(locks.try_lock(shared(1, ALL)), Ok(true));
    assert_eq!(locks.try_lock(shared(2, 5..10)), Ok(true));
    assert_eq!(locks.try_lock(exclusive(3, 20..30)), Ok(false));
    assert!(!locks.could_have(&exclusive(2, 5..10)));
    locks.unlock(1, &(20..30));
    assert_eq!(locks.try_lock(exclusive(3, 20..30)), Ok(true));
    assert_eq!(locks.try_lock(exclusive(3, 29..31)), Ok(false));
    assert_eq!(locks.try_lock(shared(2, 30..40)), Ok(true));
    locks.release_all(1);
    locks.release_all(2);
    assert_eq!(locks.try_lock(exclusive(1, 0..20)), Ok(true));
}

#[test]
fn an_owner_replaces_its_own_locks() {
    let locks = Locks::default();
    assert_eq!(locks.try_lock(exclusive(1, 0..100)), Ok(true));
    assert_eq!(locks.try_lock(shared(1, 40..60)), Ok(true));
    assert_eq!(locks.try_lock(shared(2, 40..60)), Ok(true));
    assert_eq!(locks.try_lock(shared(2, 39..40)), Ok(false));
    assert!(locks.is_exclusive(1, &(0..40)));
    assert!(!locks.is_exclusive(1, &(40..60)));
}

#[tokio::test]
async fn waiters_are_served_in_order() {
    let locks = Locks::default();
    assert_eq!(locks.try_lock(exclusive(1, ALL)), Ok(true));
    let second = waits(&locks, exclusive(2, 0..10));
    let third = waits(&locks, shared(3, 0..10));
    // A later one that is in nobody's way but the holder's goes as soon as that is possible.
    let fourth = waits(&locks, exclusive(4, 50..60));
    locks.release_all(1);
    second.granted().await.unwrap();
    fourth.granted().await.unwrap();
    // The third one waits for the second, and a newcomer does not overtake it.
    assert_eq!(locks.try_lock(exclusive(5, 0..10)), Ok(false));
    locks.release_all(2);
    third.granted().await.unwrap();
    assert_eq!(locks.try_lock(shared(5, 0..10)), Ok(true));
}

#[tokio::test]
async fn two_who_want_more_do_not_wait_for_each_other() {
    let locks = Locks::default();
    assert_eq!(locks.try_lock(shared(1, ALL)), Ok(true));
    assert_eq!(locks.try_lock(shared(2, ALL)), Ok(true));
    let first = waits(&locks, exclusive(1, ALL));
    let second = waits(&locks, exclusive(2, ALL));
    first.granted().await.unwrap();
    locks.release_all(1);
    second.granted().await.unwrap();
}

#[tokio::test]
async fn an_exclusive_lock_becomes_a_shared_one_in_spite_of_those_who_wait() {
    let locks = Locks::default();
    assert_eq!(locks.try_lock(exclusive(1, ALL)), Ok(true));
    let writer = waits(&locks, exclusive(2, ALL));
    assert_eq!(locks.try_lock(shared(1, ALL)), Ok(true));
    assert_eq!(locks.try_lock(shared(3, ALL)), Ok(false));
    locks.release_all(1);
    writer.granted().await.unwrap();
}

#[tokio::test]
async fn who_stops_waiting_is_in_nobodys_way() {
    let locks = Locks::default();
    assert_eq!(locks.try_lock(shared(1, ALL)), Ok(true));
    let gone = waits(&locks, exclusive(2, ALL));
    let next = waits(&locks, shared(3, ALL));
    drop(gone);
    next.granted().await.unwrap();
    // Nor does it keep what it was granted at the last moment.
    let late = waits(&locks, exclusive(4, ALL));
    locks.release_all(1);
    locks.release_all(3);
    drop(late);
    assert_eq!(locks.try_lock(exclusive(5, ALL)), Ok(true));
}

#[test]
fn the_end_of_the_file_ends_all_waiting() {
    let locks = Locks::default();
    assert_eq!(locks.try_lock(exclusive(1, ALL)), Ok(true));
    let waiter = waits(&locks, shared(2, ALL));
    locks.end();
    assert_eq!(waiter.granted().now_or_never(), Some(Err(Refused::Gone)));
    assert_eq!(locks.try_lock(shared(3, ALL)), Ok(true));
}

#[test]
fn there_is_a_bound() {
    let locks = Locks::default();
    let mut owner = 0;
    while locks.try_lock(shared(owner, ALL)) == Ok(true) {
        owner += 1;
    }
    assert_eq!(owner, MOST_REGIONS as u64 - 1);
    assert!(matches!(
        locks.lock(shared(owner, ALL)),
        Err(Refused::TooMany)
    ));
}
