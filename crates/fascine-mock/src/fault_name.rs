use std::str::FromStr;
use std::time::Duration;

use crate::Fault;

/// A text that is no [`Fault`]'s name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fault: use one of {}", NAMES.join(", "))]
pub struct UnknownFault {
    /// The text.
    pub text: String,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Reads a name such as `html`, `status:503`, `delay:250ms` or `slow-drip:1:20ms`.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        parse(text).ok_or_else(|| UnknownFault {
            text: text.to_owned(),
        })
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (name, value) = match text.split_once(':') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let count = || value?.parse().ok();
    let fault = match name {
        "cut-byte" => Fault::CutAtByte(count()?),
        "cut-event" => Fault::CutAtEvent(count()?),
        "delay" => Fault::Delay(duration(value?)?),
        "duplicate-event" => Fault::DuplicateEvent(count()?),
        "end-event" => Fault::EndAtEvent(count()?),
        "error-event" => Fault::ErrorAtEvent(count()?),
        "interim-flood" => Fault::InterimFlood(count()?),
        "malformed-event" => Fault::MalformedEvent(count()?),
        "slow-drip" => {
            let (bytes, every) = value?.split_once(':')?;
            Fault::SlowDrip {
                bytes: bytes.parse().ok()?,
                every: duration(every)?,
            }
        }
        "stall-byte" => Fault::StallAtByte(count()?),
        "stall-event" => Fault::StallAtEvent(count()?),
        "status" => {
            let status = value?.parse().ok()?;
            Fault::Status((200..600).contains(&status).then_some(status)?)
        }
        "too-many-requests" => Fault::TooManyRequests {
            retry_after: duration(value?)?,
        },
        _ if value.is_some() => return None,
        "chunked-nonsense" => Fault::ChunkedNonsense,
        "close" => Fault::CloseBeforeHead,
        "close-mid-body" => Fault::CloseMidBody,
        "empty-body" => Fault::EmptyBody,
        "garbage" => Fault::Garbage,
        "html" => Fault::Html,
        "long-body" => Fault::LongBody,
        "malformed-json" => Fault::MalformedJson,
        "never-answer" => Fault::NeverAnswer,
        "reset" => Fault::Reset,
        "short-body" => Fault::ShortBody,
        "wrong-content-type" => Fault::WrongContentType,
        _ => return None,
    };
    Some(fault)
}

/// `250ms` or `2s`.
fn duration(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(millis) => millis.parse().ok().map(Duration::from_millis),
        None => text
            .strip_suffix('s')?
            .parse()
            .ok()
            .map(Duration::from_secs),
    }
}

/// Every fault, as it is written.
const NAMES: [&str; 25] = [
    "chunked-nonsense",
    "close",
    "close-mid-body",
    "cut-byte:N",
    "cut-event:N",
    "delay:TIME",
    "duplicate-event:N",
    "empty-body",
    "end-event:N",
    "error-event:N",
    "garbage",
    "html",
    "interim-flood:N",
    "long-body",
    "malformed-event:N",
    "malformed-json",
    "never-answer",
    "reset",
    "short-body",
    "slow-drip:BYTES:TIME",
    "stall-byte:N",
    "stall-event:N",
    "status:CODE",
    "too-many-requests:TIME",
    "wrong-content-type",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_listed_is_understood() {
        for name in NAMES {
            let text = name
                .replace("BYTES", "8")
                .replace("TIME", "20ms")
                .replace("CODE", "503")
                .replace(":N", ":3");
            assert!(text.parse::<Fault>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_fault_is_refused_with_the_list() {
        for text in [
            "",
            "html:1",
            "status",
            "status:99",
            "delay:5",
            "cut-byte:-1",
            "slow-drip:1",
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(
                error.to_string().contains("slow-drip:BYTES:TIME"),
                "{error}"
            );
        }
    }
}
