use std::time::Duration;

/// What a server does instead of answering properly.
///
/// Events are those of a stream, or its lines, counted from 0; of an answer in one piece, a fault that counts events
/// befalls the middle. Bytes are those of the body, from 0, without the framing of HTTP. A position behind the end of
/// the body is the end.
///
/// # Examples
///
/// Faults have names, for command lines:
///
/// ```
/// use fascine_mock::Fault;
///
/// assert_eq!("cut-event:3".parse(), Ok(Fault::CutAtEvent(3)));
/// assert_eq!("status:503".parse(), Ok(Fault::Status(503)));
/// assert!("sabotage".parse::<Fault>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Announces a body in chunks and sends something else.
    ChunkedNonsense,
    /// Reads the request and closes the connection.
    CloseBeforeHead,
    /// Sends the head and half of the answer, and closes the connection. Of a stream it sends half of the events.
    CloseMidBody,
    /// Closes the connection after this many bytes of the body.
    CutAtByte(usize),
    /// Closes the connection before this event.
    CutAtEvent(usize),
    /// Answers properly, but so much later.
    Delay(Duration),
    /// Sends this event twice.
    DuplicateEvent(usize),
    /// Answers 200 with nothing.
    EmptyBody,
    /// Ends the stream before this event as if that were all: sound HTTP, but no end of the API's own.
    EndAtEvent(usize),
    /// Sends an error, in the API's own form for streams, in place of this event, and nothing more.
    ErrorAtEvent(usize),
    /// Sends bytes that are no HTTP, and closes the connection.
    Garbage,
    /// Answers 200 with a page of HTML, as a proxy in the way would.
    Html,
    /// Sends so many interim responses (103) before the answer, 100,000 at most.
    InterimFlood(usize),
    /// Announces a body that is shorter than the one it sends: what is left over stands on the connection.
    LongBody,
    /// Sends half of this event, and then the others.
    MalformedEvent(usize),
    /// Answers 200 with JSON that is cut off, in a body that is not.
    MalformedJson,
    /// Reads the request and is never heard of again, until the client leaves.
    NeverAnswer,
    /// Closes the connection with a reset, before the request is read to its end.
    ///
    /// It cannot depend on what the request says. In memory a reset looks like an end.
    Reset,
    /// Announces a body that is longer than the one it sends, and closes the connection.
    ShortBody,
    /// Sends so many bytes at a time, with a pause after each.
    SlowDrip {
        /// How many bytes; 0 is 1.
        bytes: usize,
        /// How long it pauses.
        every: Duration,
    },
    /// Falls silent after this many bytes of the body, until the client leaves.
    StallAtByte(usize),
    /// Falls silent before this event, until the client leaves.
    StallAtEvent(usize),
    /// Answers with this status and an error in the API's form; what is no final status becomes 500.
    Status(u16),
    /// Answers 429, and says when to come back.
    TooManyRequests {
        /// When to come back.
        retry_after: Duration,
    },
    /// Answers properly, but calls it `text/plain`.
    WrongContentType,
}
