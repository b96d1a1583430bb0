//! The script of answers: parses its text into steps, and returns one step for each request. It sends nothing itself.

use std::collections::VecDeque;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};

/// What `--help` says of the script.
pub const HELP: &str = "\
What to answer: comma-separated steps. Each request takes the next step; after the last, answers are normal.
A step may end in *N (N times) or * (always).

  ok                   the normal answer
  503 retry-after=120  this status, with these headers and no body
  delay=MS             the normal answer, after MS milliseconds
  hang                 reads the request, never answers
  hang-body            sends the head and a part of the body, then nothing more
  close                closes the connection without an answer
  drip=MS              200, and a body of 2000 bytes, one every MS milliseconds
  big=BYTES            200, and a body of that many bytes
  html                 200, and the web page of a captive portal
  partial=N            200, and OTLP's partial success: N records were rejected

Events of a request are printed when it is answered with a 2xx status; hang, hang-body, close and html swallow them.";

/// What one request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The normal answer.
    Ok,
    /// A bare status with headers.
    Status(StatusCode, Vec<(HeaderName, HeaderValue)>),
    /// The normal answer, late.
    Delay(Duration),
    /// No answer.
    Hang,
    /// A part of an answer.
    HangBody,
    /// A closed connection.
    Close,
    /// One byte per period.
    Drip(Duration),
    /// A body of so many bytes.
    Big(u64),
    /// A captive portal.
    Html,
    /// Partial success, of which so many records are rejected.
    Partial(u64),
}

/// The remaining steps, and how often each is repeated; `None` means always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script(VecDeque<(Step, Option<u64>)>);

impl Script {
    /// The step of the next request.
    pub fn next(&mut self) -> Step {
        match self.0.front_mut() {
            None => Step::Ok,
            Some((step, None)) => step.clone(),
            Some((step, Some(times))) if *times > 1 => {
                *times -= 1;
                step.clone()
            }
            Some(_) => self.0.pop_front().map_or(Step::Ok, |(step, _)| step),
        }
    }
}

/// Reads the text of `--answers`.
///
/// # Errors
/// A sentence that names the step.
pub fn parse(text: &str) -> Result<Script, String> {
    let mut steps = VecDeque::new();
    for step in text.split(',').map(str::trim) {
        if matches!(steps.back(), Some((_, None))) {
            return Err(format!("step {step:?} comes after one that is repeated always"));
        }
        steps.push_back(repeated(step).map_err(|reason| format!("step {step:?}: {reason}"))?);
    }
    Ok(Script(steps))
}

fn repeated(text: &str) -> Result<(Step, Option<u64>), String> {
    let Some((step, times)) = text.rsplit_once('*') else {
        return Ok((step(text)?, Some(1)));
    };
    let times = match times.trim() {
        "" => None,
        times => match times.parse() {
            Ok(times) if times > 0 => Some(times),
            _ => {
                return Err(format!(
                    "{times:?} is not a number of repetitions; write *N with N from 1, or * for always"
                ));
            }
        },
    };
    Ok((self::step(step.trim())?, times))
}

fn step(text: &str) -> Result<Step, String> {
    match text.split_once('=') {
        Some(("delay", time)) => Ok(Step::Delay(Duration::from_millis(number(time, 0)?))),
        Some(("drip", time)) => Ok(Step::Drip(Duration::from_millis(number(time, 1)?))),
        Some(("big", bytes)) => Ok(Step::Big(number(bytes, 0)?)),
        Some(("partial", records)) => Ok(Step::Partial(number(records, 0)?)),
        _ => match text {
            "ok" => Ok(Step::Ok),
            "hang" => Ok(Step::Hang),
            "hang-body" => Ok(Step::HangBody),
            "close" => Ok(Step::Close),
            "html" => Ok(Step::Html),
            _ => status(text),
        },
    }
}

fn status(text: &str) -> Result<Step, String> {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let Some(status) = first.parse().ok().filter(|status| (200..=599).contains(status)) else {
        return Err("unknown; use ok, a status from 200 to 599 with name=value headers, delay=MS, hang, hang-body, \
             close, drip=MS, big=BYTES, html or partial=N"
            .to_owned());
    };
    let status = StatusCode::from_u16(status).map_err(|error| error.to_string())?;
    Ok(Step::Status(status, words.map(header).collect::<Result<_, _>>()?))
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once('=').ok_or(format!("{text:?} is not a header; write name=value"))?;
    let name: HeaderName = name.parse().map_err(|_| format!("{name:?} is not the name of a header"))?;
    if [CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
        return Err(format!("{name} cannot be set: the answer has no body"));
    }
    let value = value.parse().map_err(|_| format!("{value:?} is not the value of a header"))?;
    Ok((name, value))
}

fn number(text: &str, least: u64) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(format!("{text:?} is not a whole number from {least}")),
    }
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn steps(text: &str, count: usize) -> Vec<Step> {
        let mut script = parse(text).unwrap();
        (0..count).map(|_| script.next()).collect()
    }

    fn bare(status: u16) -> Step {
        Step::Status(StatusCode::from_u16(status).unwrap(), Vec::new())
    }

    #[test]
    fn every_step_is_understood() {
        let script = "ok,500,delay=5,hang,hang-body,close,drip=7,big=9,html,partial=3";
        let expected = [
            Step::Ok,
            bare(500),
            Step::Delay(Duration::from_millis(5)),
            Step::Hang,
            Step::HangBody,
            Step::Close,
            Step::Drip(Duration::from_millis(7)),
            Step::Big(9),
            Step::Html,
            Step::Partial(3),
        ];
        assert_eq!(steps(script, 10), expected);
    }

    #[test]
    fn a_status_takes_headers_and_spaces_around_it() {
        let retry = (HeaderName::from_static("retry-after"), HeaderValue::from_static("120"));
        let place = (HeaderName::from_static("location"), HeaderValue::from_static("/x?a=b"));
        let expected = Step::Status(StatusCode::SERVICE_UNAVAILABLE, vec![retry, place]);
        assert_eq!(steps("ok , 503 Retry-After=120 location=/x?a=b *2", 3), [Step::Ok, expected.clone(), expected]);
    }

    #[test]
    fn after_the_last_step_answers_are_normal() {
        assert_eq!(steps("close*2,hang", 5), [Step::Close, Step::Close, Step::Hang, Step::Ok, Step::Ok]);
        assert_eq!(Script::default().next(), Step::Ok);
    }

    #[test]
    fn a_star_lasts_for_ever() {
        assert_eq!(steps("ok,429*", 4), [Step::Ok, bare(429), bare(429), bare(429)]);
    }

    #[test]
    fn a_malformed_step_is_named() {
        for step in [
            "",
            "nonsense",
            "okay",
            "99",
            "600",
            "100",
            "delay=",
            "delay=-1",
            "delay=soon",
            "drip=0",
            "big=1k",
            "ok*0",
            "ok*x",
            "503 retry-after",
            "503 a b=c",
            "503 content-length=4",
            "hang=3",
        ] {
            let error = parse(&format!("ok,{step}")).unwrap_err();
            assert!(error.contains(&format!("step {step:?}")), "{step:?}: {error}");
        }
    }

    #[test]
    fn a_step_that_can_never_be_reached_is_an_error() {
        assert!(parse("ok*,hang").unwrap_err().contains("\"hang\""));
    }
}
