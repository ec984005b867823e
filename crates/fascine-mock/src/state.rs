use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fascine_rt::Rt;
use http::{Method, Request, StatusCode};

use crate::builder::{MockServerBuilder, When};
use crate::chat_request::ChatRequest;
use crate::quota::Quota;
use crate::reply::{Reply, ReplyBody};
use crate::{Fault, chat};

/// What all connections of a server share, and what decides their replies.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) rt: Rt,
    settings: MockServerBuilder,
    quota: Option<Mutex<Quota>>,
    arrived: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
}

/// What happens to a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply { after: Duration, reply: Reply },
    Close,
    Silence,
}

impl State {
    pub(crate) fn new(rt: Rt, settings: MockServerBuilder, quota: Option<Quota>) -> Self {
        Self {
            rt,
            settings,
            quota: quota.map(Mutex::new),
            arrived: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn decide(&self, request: &Request<Vec<u8>>) -> Outcome {
        let at_once = |reply| Outcome::Reply {
            after: Duration::ZERO,
            reply,
        };
        if request.uri().path() != "/v1/chat/completions" {
            let message = format!("Unknown request URL: {}.", request.uri().path());
            let kind = "invalid_request_error";
            let code = Some("unknown_url");
            return at_once(Reply::error(
                StatusCode::NOT_FOUND,
                message,
                kind,
                None,
                code,
            ));
        }
        if request.method() != Method::POST {
            let message = format!("Not allowed to {} on this URL.", request.method());
            let kind = "invalid_request_error";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return at_once(Reply::error(status, message, kind, None, None));
        }
        let nth = self.arrived.fetch_add(1, Ordering::Relaxed) + 1;
        let chat = match ChatRequest::parse(request.body()) {
            Ok(chat) => chat,
            Err(reply) => return at_once(*reply),
        };
        let standing = self.quota.as_ref().map(|quota| {
            quota
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .check(self.rt.now())
        });
        if let Some(standing) = standing
            && let Some(wait) = standing.refused
        {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return at_once(Reply::refused(wait).with_standing(standing));
        }
        let text = chat::answer(&self.settings.answers, self.settings.seed, &chat);
        let reply = if chat.stream {
            chat::stream(self.settings.seed, &chat, &text)
        } else {
            chat::whole(self.settings.seed, &chat, &text)
        };
        let reply = match standing {
            Some(standing) => reply.with_standing(standing),
            None => reply,
        };
        let after = self.latency(&chat.asked);
        match self.fault(nth, &chat.asked) {
            Some(fault) => befall(fault, after, reply),
            None => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                Outcome::Reply { after, reply }
            }
        }
    }

    fn fault(&self, nth: u64, asked: &str) -> Option<&Fault> {
        let fits = |when: &When| match when {
            When::Contains(text) => asked.contains(text),
            When::Nth(number) => *number == nth,
        };
        self.settings
            .faults
            .iter()
            .find(|(when, _)| fits(when))
            .map(|(_, fault)| fault)
    }

    /// Within the range, and the same whenever the same is asked.
    fn latency(&self, asked: &str) -> Duration {
        let Some(range) = &self.settings.latency else {
            return Duration::ZERO;
        };
        let (from, to) = (*range.start(), *range.end());
        let hash = chat::hash(self.settings.seed, asked);
        let share = (hash >> 11) as f64 / (1_u64 << 53) as f64;
        from + to.saturating_sub(from).mul_f64(share)
    }
}

fn befall(fault: &Fault, after: Duration, mut reply: Reply) -> Outcome {
    match fault {
        Fault::CloseBeforeHead => return Outcome::Close,
        Fault::CloseMidBody => reply.cut = true,
        Fault::Html => {
            let page = b"<html><body><h1>Welcome to the hotel network</h1></body></html>";
            let body = ReplyBody::Whole(page.to_vec());
            reply = Reply::new(StatusCode::OK, "text/html", body);
        }
        Fault::MalformedJson => {
            let body = ReplyBody::Whole(br#"{"id": "chatcmpl-1", "choices": [{"ind"#.to_vec());
            reply = Reply::new(StatusCode::OK, "application/json", body);
        }
        Fault::NeverAnswer => return Outcome::Silence,
        Fault::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            reply = Reply::error(
                status,
                "The server had an error.",
                "server_error",
                None,
                None,
            );
        }
    }
    Outcome::Reply { after, reply }
}
