use std::time::Duration;

use http::header;

use crate::Fault;
use crate::framing::{Framing, Manner, framed, head, stays_open};
use crate::reply::{Reply, ReplyBody};

/// What a connection does, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// Nothing more, until the client leaves.
    Stall,
    Close,
}

/// Turns a reply into steps, as the fault has it.
pub(crate) fn plan(mut reply: Reply, fault: Option<&Fault>, manner: Manner) -> Vec<Step> {
    match fault {
        None => sound(&reply, manner),
        Some(fault) => match fault {
            Fault::ChunkedNonsense => {
                let mut steps = vec![Step::Send(head(&reply, Framing::Chunks, manner))];
                steps.push(Step::Send(b"this is no length\r\nnor a chunk\r\n".to_vec()));
                closed(steps)
            }
            Fault::CloseBeforeHead | Fault::Reset => vec![Step::Close],
            Fault::CloseMidBody => match &reply.body {
                ReplyBody::Events(events) => {
                    cut_events(&reply, manner, events.len() / 2, Step::Close)
                }
                ReplyBody::Whole(body) => cut_bytes(&reply, manner, body.len() / 2, Step::Close),
            },
            Fault::CutAtByte(at) => cut_bytes(&reply, manner, *at, Step::Close),
            Fault::CutAtEvent(at) => cut_events(&reply, manner, *at, Step::Close),
            Fault::Delay(time) => {
                let mut steps = vec![Step::Pause(*time)];
                steps.extend(sound(&reply, manner));
                steps
            }
            Fault::Garbage => closed(vec![Step::Send(
                b"\x16\x03\x01\x00\xffgarbage\r\n\r\n".to_vec(),
            )]),
            Fault::InterimFlood(count) => {
                let interim = b"HTTP/1.1 103 Early Hints\r\nlink: </>; rel=preload\r\n\r\n";
                let mut steps = vec![Step::Send(interim.repeat((*count).min(MOST_INTERIM)))];
                steps.extend(sound(&reply, manner));
                steps
            }
            Fault::LongBody => {
                let body = whole_body(&reply);
                let mut bytes = head(&reply, Framing::Length(body.len()), manner);
                bytes.extend(body);
                bytes.extend(b"\r\nand a little more");
                vec![Step::Send(bytes)]
            }
            Fault::NeverAnswer => vec![Step::Stall],
            Fault::ShortBody => {
                let body = whole_body(&reply);
                let mut bytes = head(&reply, Framing::Length(body.len() + 10), manner);
                bytes.extend(body);
                closed(vec![Step::Send(bytes)])
            }
            Fault::SlowDrip { bytes, every } => drip(sound(&reply, manner), *bytes, *every),
            Fault::StallAtByte(at) => cut_bytes(&reply, manner, *at, Step::Stall),
            Fault::StallAtEvent(at) => cut_events(&reply, manner, *at, Step::Stall),
            _ => {
                change(&mut reply, fault);
                sound(&reply, manner)
            }
        },
    }
}

/// The faults that are sound HTTP, with the wrong thing in it.
fn change(reply: &mut Reply, fault: &Fault) {
    match (fault, &mut reply.body) {
        (Fault::DuplicateEvent(at), ReplyBody::Events(events)) => {
            if let Some(event) = events.get(*at).cloned() {
                events.insert(*at, event);
            }
        }
        (Fault::EndAtEvent(at), ReplyBody::Events(events)) => events.truncate(*at),
        (Fault::MalformedEvent(at), ReplyBody::Events(events)) => {
            if let Some(event) = events.get_mut(*at) {
                *event = halved(event);
            }
        }
        (Fault::EndAtEvent(_) | Fault::MalformedEvent(_), ReplyBody::Whole(body)) => {
            body.truncate(body.len() / 2);
        }
        (Fault::EmptyBody, body) => *body = ReplyBody::Whole(Vec::new()),
        (Fault::Html, body) => {
            let page = b"<html><body><h1>Welcome to the hotel network</h1></body></html>";
            *body = ReplyBody::Whole(page.to_vec());
            reply.set_text(header::CONTENT_TYPE.as_str(), "text/html");
        }
        (Fault::MalformedJson, body) => {
            let cut_off = br#"{"id": "chatcmpl-1", "choices": [{"ind"#;
            *body = ReplyBody::Whole(cut_off.to_vec());
            reply.set_text(header::CONTENT_TYPE.as_str(), "application/json");
        }
        (Fault::WrongContentType, _) => {
            reply.set_text(header::CONTENT_TYPE.as_str(), "text/plain");
        }
        _ => {}
    }
}

/// Half of what the event says, and all of what ends it.
fn halved(event: &str) -> String {
    let said = event.trim_end();
    let mut half = said.len() / 2 + 1;
    while !said.is_char_boundary(half) {
        half -= 1;
    }
    format!("{}{}", &said[..half], &event[said.len()..])
}

fn sound(reply: &Reply, manner: Manner) -> Vec<Step> {
    let mut steps = match &reply.body {
        ReplyBody::Whole(body) => {
            let mut bytes = head(reply, Framing::Length(body.len()), manner);
            bytes.extend(body);
            vec![Step::Send(bytes)]
        }
        ReplyBody::Events(events) => {
            let mut steps = begun_events(reply, manner, events);
            if manner.chunks {
                steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
            }
            steps
        }
    };
    if !stays_open(reply, manner) {
        steps.push(Step::Close);
    }
    steps
}

/// The head and the events, without the end of the body.
fn begun_events(reply: &Reply, manner: Manner, events: &[String]) -> Vec<Step> {
    let framing = if manner.chunks {
        Framing::Chunks
    } else {
        Framing::UntilClosed
    };
    let mut steps = vec![Step::Send(head(reply, framing, manner))];
    for (index, event) in events.iter().enumerate() {
        if index > 0 && !manner.event_delay.is_zero() {
            steps.push(Step::Pause(manner.event_delay));
        }
        steps.push(Step::Send(framed(event.as_bytes(), manner)));
    }
    steps
}

fn cut_events(reply: &Reply, manner: Manner, at: usize, end: Step) -> Vec<Step> {
    match &reply.body {
        ReplyBody::Events(events) => {
            let mut steps = begun_events(reply, manner, &events[..at.min(events.len())]);
            steps.push(end);
            steps
        }
        ReplyBody::Whole(body) => cut_bytes(reply, manner, body.len() / 2, end),
    }
}

fn cut_bytes(reply: &Reply, manner: Manner, at: usize, end: Step) -> Vec<Step> {
    let mut steps = match &reply.body {
        ReplyBody::Events(events) => {
            let mut left = at;
            let mut cut = Vec::new();
            for event in events {
                if left < event.len() {
                    break;
                }
                left -= event.len();
                cut.push(event.clone());
            }
            let mut steps = begun_events(reply, manner, &cut);
            // The next one may be cut inside a character.
            if let Some(event) = events.get(cut.len()).filter(|_| left > 0) {
                steps.push(Step::Send(framed(&event.as_bytes()[..left], manner)));
            }
            steps
        }
        ReplyBody::Whole(body) => {
            let mut bytes = head(reply, Framing::Length(body.len()), manner);
            // Never all of it: that would be no cut.
            bytes.extend(&body[..at.min(body.len().saturating_sub(1))]);
            vec![Step::Send(bytes)]
        }
    };
    steps.push(end);
    steps
}

fn drip(steps: Vec<Step>, bytes: usize, every: Duration) -> Vec<Step> {
    let mut slow = Vec::new();
    for step in steps {
        let Step::Send(whole) = step else {
            slow.push(step);
            continue;
        };
        for piece in whole.chunks(bytes.max(1)) {
            slow.push(Step::Send(piece.to_vec()));
            slow.push(Step::Pause(every));
        }
    }
    slow
}

fn closed(mut steps: Vec<Step>) -> Vec<Step> {
    steps.push(Step::Close);
    steps
}

fn whole_body(reply: &Reply) -> Vec<u8> {
    match &reply.body {
        ReplyBody::Events(events) => events.concat().into_bytes(),
        ReplyBody::Whole(body) => body.clone(),
    }
}

const MOST_INTERIM: usize = 100_000;

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::reply::EVENT_STREAM;

    const MANNER: Manner = Manner {
        chunks: true,
        keep_alive: true,
        event_delay: Duration::ZERO,
    };

    fn sent(reply: &Reply, fault: &Fault) -> (String, Option<Step>) {
        let mut bytes = Vec::new();
        let mut end = None;
        for step in plan(reply.clone(), Some(fault), MANNER) {
            match step {
                Step::Send(piece) => bytes.extend(piece),
                other => end = Some(other),
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = text.split_once("\r\n\r\n").unwrap_or(("", &text)).1;
        (body.to_owned(), end)
    }

    #[test]
    fn streams_are_cut_stalled_doubled_and_broken_where_the_fault_says() {
        let events = ["data: 1\n\n", "data: 22\n\n", "data: [DONE]\n\n"];
        let reply = Reply::events(EVENT_STREAM, events.map(str::to_owned).to_vec());
        let (one, two, done) = (
            "9\r\ndata: 1\n\n\r\n",
            "a\r\ndata: 22\n\n\r\n",
            "e\r\ndata: [DONE]\n\n\r\n",
        );
        let end = "0\r\n\r\n";
        let cut = Some(Step::Close);
        let stalled = Some(Step::Stall);
        for (fault, body, last) in [
            (Fault::CutAtEvent(0), String::new(), cut.clone()),
            (Fault::CutAtEvent(1), one.to_owned(), cut.clone()),
            (
                Fault::CutAtEvent(99),
                [one, two, done].concat(),
                cut.clone(),
            ),
            (Fault::CutAtByte(11), format!("{one}2\r\nda\r\n"), cut),
            (Fault::StallAtEvent(1), one.to_owned(), stalled.clone()),
            (Fault::StallAtByte(9), one.to_owned(), stalled),
            (
                Fault::DuplicateEvent(1),
                [one, two, two, done, end].concat(),
                None,
            ),
            (Fault::EndAtEvent(1), [one, end].concat(), None),
            (
                Fault::MalformedEvent(1),
                [one, "7\r\ndata:\n\n\r\n", done, end].concat(),
                None,
            ),
        ] {
            assert_eq!(sent(&reply, &fault), (body, last), "{fault:?}");
        }
    }

    #[test]
    fn a_whole_answer_is_never_sent_to_its_end_when_it_is_cut() {
        let reply = Reply::json(StatusCode::OK, &serde_json::json!({ "a": 1 }));
        for at in [0, 3, 7, 99] {
            let (body, end) = sent(&reply, &Fault::CutAtByte(at));
            assert_eq!((body.len(), end), (at.min(6), Some(Step::Close)));
        }
        assert_eq!(sent(&reply, &Fault::CutAtEvent(5)).0, "{\"a");
        let (long, end) = sent(&reply, &Fault::LongBody);
        assert!(long.starts_with("{\"a\":1}\r\n") && end.is_none());
    }
}
