//! The bodies of answers, also faulty ones: text, very many bytes, slow bytes, bytes that never come, and pieces as
//! they come. It does not decide which of them a request gets.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};

const CHUNK: &[u8] = &[b'x'; 16 * 1_024];

/// The body of one answer.
pub enum AnswerBody {
    /// What is left of a text.
    Text(Bytes),
    /// This many bytes to go.
    Fill(u64),
    /// This many bytes to go, one per period.
    Drip {
        /// Bytes to go.
        left: u64,
        /// Time between two bytes.
        period: Duration,
        /// When the next one is due.
        next: Pin<Box<Sleep>>,
    },
    /// A part, and then nothing although more was promised.
    Stall {
        /// What still comes.
        part: Bytes,
        /// What the head promised.
        promised: u64,
    },
    /// Pieces as they come, without an end that is known before.
    Stream(mpsc::Receiver<Bytes>),
}

impl AnswerBody {
    /// A body of `left` bytes, one per `period`.
    pub fn drip(left: u64, period: Duration) -> Self {
        AnswerBody::Drip { left, period, next: Box::pin(sleep(period)) }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            AnswerBody::Text(text) => std::mem::take(text),
            AnswerBody::Fill(left) => {
                let now = CHUNK.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= now as u64;
                Bytes::from_static(CHUNK).slice(..now)
            }
            AnswerBody::Drip { left: 0, .. } => Bytes::new(),
            AnswerBody::Drip { left, period, next } => {
                ready!(next.as_mut().poll(context));
                next.set(sleep(*period));
                *left -= 1;
                Bytes::from_static(b"x")
            }
            AnswerBody::Stall { part, .. } if part.is_empty() => return Poll::Pending,
            AnswerBody::Stall { part, promised } => {
                *promised = promised.saturating_sub(part.len() as u64);
                std::mem::take(part)
            }
            AnswerBody::Stream(pieces) => ready!(pieces.poll_recv(context)).unwrap_or_default(),
        };
        Poll::Ready(if bytes.is_empty() { None } else { Some(Ok(Frame::data(bytes))) })
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            AnswerBody::Text(text) => text.len() as u64,
            AnswerBody::Fill(left) | AnswerBody::Drip { left, .. } => *left,
            AnswerBody::Stall { promised, .. } => *promised,
            AnswerBody::Stream(_) => return SizeHint::default(),
        })
    }
}
