use super::super::table::WRONG_MAX;
use super::*;
use crate::call::Fail;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
const WRONG: [Code; 1] = [Code::LOGIN_FAILED];

/// The number of one of very many networks.
fn far(number: u128) -> IpAddr {
    Ipv6Addr::from((0x2001_0db8 << 96) | (number << 64)).into()
}

async fn trial(tries: &Tries, subject: Subject<'_>, client: IpAddr, is_right: bool) -> Answer<()> {
    let outcome = async move {
        if is_right {
            Ok(())
        } else {
            Err(Fail::from(Code::LOGIN_FAILED))
        }
    };
    tries.watch(subject, client, &WRONG, outcome).await
}

async fn wrong(tries: &Tries, subject: Subject<'_>, client: IpAddr) -> Code {
    trial(tries, subject, client, false).await.unwrap_err().code
}

async fn is_allowed(tries: &Tries, subject: Subject<'_>, client: IpAddr) -> bool {
    trial(tries, subject, client, true).await.is_ok()
}

const ANN: Subject<'static> = Subject::Name("ann@example.com");
const BOB: Subject<'static> = Subject::Name("bob@example.com");

#[tokio::test]
async fn ten_wrong_tries_shut_the_name_and_the_network() {
    let tries = Tries::default();
    for _ in 0..WRONG_MAX {
        assert_eq!(wrong(&tries, ANN, HERE).await, Code::LOGIN_FAILED);
    }
    assert_eq!(wrong(&tries, ANN, THERE).await, Code::LOGINS_LIMITED);
    assert!(!is_allowed(&tries, BOB, HERE).await);
    assert!(!is_allowed(&tries, Subject::Name("ANN@example.com"), THERE).await);
    assert!(is_allowed(&tries, BOB, THERE).await);
    assert!(is_allowed(&tries, Subject::Nobody, THERE).await);
    tries.forgive(Subject::Name("Ann@Example.com"));
    assert!(is_allowed(&tries, ANN, THERE).await);
    assert!(!is_allowed(&tries, ANN, HERE).await);
}

#[tokio::test]
async fn a_name_is_not_a_second_factor() {
    let tries = Tries::default();
    for number in 0..u128::from(WRONG_MAX) {
        let name = Subject::Name("second factor of 7");
        wrong(&tries, name, far(number)).await;
    }
    assert!(is_allowed(&tries, Subject::SecondFactor(7), HERE).await);
    for number in 0..u128::from(WRONG_MAX) {
        wrong(&tries, Subject::SecondFactor(7), far(100 + number)).await;
    }
    assert!(!is_allowed(&tries, Subject::SecondFactor(7), HERE).await);
}

/// Begins many tries at once, which all take a while. Answers how many were made, and all outcomes.
async fn at_once(tries: &Arc<Tries>, count: u32, is_right: bool) -> (u32, Vec<Option<Code>>) {
    let made = Arc::new(AtomicU32::new(0));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (tries, made) = (tries.clone(), made.clone());
        running.spawn(async move {
            let slow = async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                made.fetch_add(1, Ordering::SeqCst);
                if is_right {
                    Ok(())
                } else {
                    Err(Fail::from(Code::LOGIN_FAILED))
                }
            };
            let outcome = tries.watch(ANN, HERE, &WRONG, slow).await;
            outcome.err().map(|fail| fail.code)
        });
    }
    let outcomes = running.join_all().await;
    (made.load(Ordering::SeqCst), outcomes)
}

#[tokio::test]
async fn wrong_tries_at_once_are_no_more_than_one_after_the_other() {
    let tries = Arc::new(Tries::default());
    let (made, outcomes) = at_once(&tries, 60, false).await;
    assert_eq!(made, WRONG_MAX);
    let limited = outcomes
        .iter()
        .filter(|&&code| code == Some(Code::LOGINS_LIMITED));
    assert_eq!(limited.count(), 50);
}

#[tokio::test]
async fn right_tries_at_once_wait_for_each_other() {
    let tries = Arc::new(Tries::default());
    for _ in 1..WRONG_MAX {
        wrong(&tries, BOB, HERE).await;
    }
    // One of this network is left, so they come one after the other.
    let (made, outcomes) = at_once(&tries, 60, true).await;
    assert_eq!(made, 60);
    assert!(outcomes.iter().all(Option::is_none));
    let (_, outcomes) = at_once(&tries, 200, true).await;
    let overloaded = outcomes
        .iter()
        .filter(|&&code| code == Some(Code::REQUESTS_LIMITED));
    assert!(overloaded.count() >= 90);
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let tries = Arc::new(Tries::new(Duration::from_millis(20)));
    let never = || {
        let tries = tries.clone();
        tokio::spawn(async move {
            let never = std::future::pending::<Answer<()>>();
            tries.watch(ANN, HERE, &WRONG, never).await
        })
    };
    let running: Vec<_> = (0..WRONG_MAX).map(|_| never()).collect();
    while tries.tables().networks.look(&HERE, Instant::now()) != Place::Busy {
        tokio::task::yield_now().await;
    }
    let refused = trial(&tries, BOB, HERE, true).await.unwrap_err();
    assert_eq!(refused.code, Code::REQUESTS_LIMITED);
    // Those who go away without an answer count as wrong.
    for task in running {
        task.abort();
        assert!(task.await.is_err());
    }
    assert_eq!(wrong(&tries, BOB, HERE).await, Code::LOGINS_LIMITED);
}

#[tokio::test]
async fn trouble_is_not_a_wrong_try() {
    let tries = Tries::default();
    for _ in 0..2 * WRONG_MAX {
        let trouble = async { Err::<(), _>(Fail::internal("trouble")) };
        let outcome = tries.watch(ANN, HERE, &WRONG, trouble).await;
        assert_eq!(outcome.unwrap_err().code, Code::INTERNAL);
    }
    assert!(is_allowed(&tries, ANN, HERE).await);
    // What is right leaves nothing behind.
    assert_eq!(tries.tables().networks.len(), 0);
    assert_eq!(tries.tables().subjects.len(), 0);
}
