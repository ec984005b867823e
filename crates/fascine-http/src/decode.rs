use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use http::{HeaderMap, Response, header};

use crate::{Body, TransportError};

/// The encodings of bodies that are asked for and decoded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Encodings {
    pub(crate) gzip: bool,
    pub(crate) brotli: bool,
}

impl Encodings {
    /// The value of `accept-encoding`; `None` if nothing is decoded.
    pub(crate) fn accepted(self) -> Option<&'static str> {
        match (self.gzip, self.brotli) {
            (true, true) => Some("gzip, br"),
            (true, false) => Some("gzip"),
            (false, true) => Some("br"),
            (false, false) => None,
        }
    }

    /// The encoding by the name that servers give it.
    fn find(self, name: &str) -> Option<&'static str> {
        match name {
            "gzip" | "x-gzip" if self.gzip => Some("gzip"),
            "br" if self.brotli => Some("br"),
            _ => None,
        }
    }
}

/// Turns encoded bytes, in whatever pieces they come, into what they mean.
pub(crate) trait Decode: Send {
    /// Takes some of `input`, and gives a piece of bounded size.
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, String>;

    /// Says what is wrong if nothing comes after what was taken.
    fn finish(&mut self) -> Result<(), String>;
}

/// What one step of decoding did.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// How much of the input was taken.
    pub(crate) used: usize,
    pub(crate) piece: Vec<u8>,
    /// Whether there is more to give, even without input.
    pub(crate) has_more: bool,
}

/// Puts a decoder under the body of a response that says it needs one.
pub(crate) fn response(mut response: Response<Body>, encodings: Encodings) -> Response<Body> {
    let name = encoding_name(response.headers());
    let Some(encoding) = name.and_then(|name| encodings.find(&name)) else {
        return response;
    };
    let Some(decoder) = decoder(encoding) else {
        return response;
    };
    // They speak of what was sent, not of what is read.
    response.headers_mut().remove(header::CONTENT_ENCODING);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.map(|body| {
        Body::from_stream(DecodedBody {
            body,
            encoding,
            decoder: Some(decoder),
            input: Bytes::new(),
            has_more: false,
            is_empty: true,
        })
    })
}

/// The one encoding; a list of them is passed on as it is.
fn encoding_name(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).into_iter();
    let (name, None) = (values.next()?, values.next()) else {
        return None;
    };
    Some(name.to_str().ok()?.trim().to_ascii_lowercase())
}

type MakeDecoder = fn() -> Box<dyn Decode>;

/// Each feature brings its own.
fn decoder(encoding: &str) -> Option<Box<dyn Decode>> {
    let mut decoders: Vec<(&str, MakeDecoder)> = Vec::new();
    #[cfg(feature = "brotli")]
    decoders.push(("br", || Box::new(crate::brotli::Brotli::new())));
    #[cfg(feature = "gzip")]
    decoders.push(("gzip", || Box::new(crate::gzip::Gzip::new())));
    decoders.retain(|(name, _)| *name == encoding);
    Some(decoders.pop()?.1())
}

struct DecodedBody {
    body: Body,
    encoding: &'static str,
    /// `None` after the end.
    decoder: Option<Box<dyn Decode>>,
    input: Bytes,
    has_more: bool,
    /// Whether nothing has come: no body is a body, whatever its encoding.
    is_empty: bool,
}

impl DecodedBody {
    fn end(&mut self) -> Result<(), TransportError> {
        match self.decoder.take() {
            Some(mut decoder) if !self.is_empty => {
                decoder.finish().map_err(|reason| self.broken(reason))
            }
            _ => Ok(()),
        }
    }

    fn broken(&self, reason: String) -> TransportError {
        TransportError::ContentEncoding {
            encoding: self.encoding,
            reason,
        }
    }
}

impl Stream for DecodedBody {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while let Some(decoder) = &mut this.decoder {
            if !this.input.is_empty() || this.has_more {
                match decoder.decode(&this.input) {
                    Ok(decoded) => {
                        this.input.advance(decoded.used);
                        this.has_more = decoded.has_more;
                        if !decoded.piece.is_empty() {
                            return Poll::Ready(Some(Ok(decoded.piece.into())));
                        }
                    }
                    Err(reason) => {
                        this.decoder = None;
                        return Poll::Ready(Some(Err(this.broken(reason))));
                    }
                }
                continue;
            }
            match ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(Ok(piece)) => {
                    this.is_empty = false;
                    this.input = piece;
                }
                Some(Err(error)) => {
                    this.decoder = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    return Poll::Ready(this.end().err().map(Err));
                }
            }
        }
        Poll::Ready(None)
    }
}
