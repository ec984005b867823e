use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use fascine_rt::{BoxFuture, Rt};

use crate::{BoxSocket, Net};

/// Connects to whichever address answers first.
///
/// After RFC 8305, "Happy Eyeballs Version 2": the families take turns, each address has a head start over the next,
/// which begins at once when the one before it has failed; the first connection wins, and the others are dropped.
pub(crate) async fn dial(
    rt: &Rt,
    net: &dyn Net,
    addresses: Vec<SocketAddr>,
) -> io::Result<BoxSocket> {
    let mut waiting = take_turns(addresses).into_iter().take(MAX_ADDRESSES);
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut dials: Vec<BoxFuture<io::Result<BoxSocket>>> = Vec::new();
    loop {
        let Some(next) = waiting.next() else {
            // Nobody is left to start: whoever is on the way decides.
            while !dials.is_empty() {
                match first_done(&mut dials).await {
                    Ok(socket) => return Ok(socket),
                    Err(error) => last = error,
                }
            }
            return Err(last);
        };
        dials.push(net.connect(next));
        if waiting.len() == 0 {
            continue;
        }
        let mut head_start = pin!(rt.sleep(HEAD_START));
        let done = poll_fn(|cx| {
            if let Poll::Ready(done) = poll_first_done(&mut dials, cx) {
                return Poll::Ready(Some(done));
            }
            head_start.as_mut().poll(cx).map(|()| None)
        });
        match done.await {
            Some(Ok(socket)) => return Ok(socket),
            Some(Err(error)) => last = error,
            None => {}
        }
    }
}

async fn first_done(dials: &mut Vec<BoxFuture<io::Result<BoxSocket>>>) -> io::Result<BoxSocket> {
    poll_fn(|cx| poll_first_done(dials, cx)).await
}

/// Waits for one of the dials to end, and takes it out.
fn poll_first_done(
    dials: &mut Vec<BoxFuture<io::Result<BoxSocket>>>,
    cx: &mut std::task::Context<'_>,
) -> Poll<io::Result<BoxSocket>> {
    for index in 0..dials.len() {
        if let Poll::Ready(done) = Pin::new(&mut dials[index]).poll(cx) {
            drop(dials.remove(index));
            return Poll::Ready(done);
        }
    }
    Poll::Pending
}

/// Puts the families in turns, beginning with that of the first address, each in the order it came.
fn take_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::new();
    loop {
        let before = turns.len();
        turns.extend(first.next());
        turns.extend(second.next());
        if turns.len() == before {
            return turns;
        }
    }
}

const HEAD_START: Duration = Duration::from_millis(250);
/// A name may have any number of addresses; whoever has tried so many knows enough.
const MAX_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(addresses: &[&str]) -> Vec<String> {
        let addresses = addresses.iter().map(|text| text.parse().unwrap());
        let turns = take_turns(addresses.collect());
        turns.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn families_take_turns_from_the_first_address_on() {
        assert_eq!(
            turns(&["[::1]:1", "[::2]:1", "1.1.1.1:1", "1.1.1.2:1", "1.1.1.3:1"]),
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "1.1.1.3:1"]
        );
        assert_eq!(turns(&["1.1.1.1:1", "[::1]:1"]), ["1.1.1.1:1", "[::1]:1"]);
        assert!(turns(&[]).is_empty());
    }
}
