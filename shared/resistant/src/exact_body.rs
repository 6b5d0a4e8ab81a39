//! A request body of exactly the length that was announced.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A document whose bytes were not as many as announced. The upload was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document has {} bytes than the {announced} that were announced", if *.more { "more" } else { "fewer" })]
pub struct WrongLength {
    announced: u64,
    more: bool,
}

/// Passes a body's frames on without copying and counts them. Its exact size makes the HTTP client send
/// a `content-length`: presigned storage URLs refuse chunked bodies, and a length that is too small
/// would cut the document with a success.
pub(crate) struct ExactBody<B> {
    // The client wants a `Sync` body, which streams often are not. Nothing ever locks this.
    inner: Mutex<Pin<Box<B>>>,
    announced: u64,
    left: u64,
}

impl<B> ExactBody<B> {
    pub(crate) fn new(inner: B, length: u64) -> Self {
        Self { inner: Mutex::new(Box::pin(inner)), announced: length, left: length }
    }

    fn wrong(&self, more: bool) -> Error {
        WrongLength { announced: self.announced, more }.into()
    }
}

impl<B> Body for ExactBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
            let Some(frame) = ready!(inner.as_mut().poll_frame(cx)) else {
                return Poll::Ready((self.left > 0).then(|| Err(self.wrong(false))));
            };
            // Trailers have no place in a body with a content-length.
            let Ok(data) = frame.map_err(Into::into)?.into_data() else { continue };
            let Some(left) = self.left.checked_sub(data.len() as u64) else {
                return Poll::Ready(Some(Err(self.wrong(true))));
            };
            self.left = left;
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
