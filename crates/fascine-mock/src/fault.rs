/// What a server does instead of answering properly.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Reads the request and closes the connection.
    CloseBeforeHead,
    /// Sends the head and half of the answer, and closes the connection. Of a stream it sends half of the events.
    CloseMidBody,
    /// Answers 200 with a page of HTML, as a proxy in the way would.
    Html,
    /// Answers 200 with JSON that is cut off, in a body that is not.
    MalformedJson,
    /// Reads the request and is never heard of again, until the client leaves.
    NeverAnswer,
    /// Answers with this status and an error in OpenAI's form.
    Status(u16),
}
