//! Reads `key=value&key=value` text as it was sent, and says what is wrong with its encoding. It knows no key of either
//! protocol.

/// One decoded pair; `fault` says what was not properly encoded, if anything.
#[derive(Debug, PartialEq, Eq)]
pub struct Pair {
    /// The decoded name.
    pub key: String,
    /// The decoded value, with U+FFFD in place of bytes that are not UTF-8.
    pub value: String,
    /// The first fault of the name, otherwise of the value.
    pub fault: Option<&'static str>,
}

/// All pairs in their order; empty pieces between two `&` are skipped.
pub fn pairs(text: &[u8]) -> Vec<Pair> {
    text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()).map(pair).collect()
}

fn pair(piece: &[u8]) -> Pair {
    let mut sides = piece.splitn(2, |byte| *byte == b'=');
    let (key, key_fault) = decode(sides.next().unwrap_or_default());
    let (value, value_fault) = match sides.next() {
        Some(value) => decode(value),
        None => (String::new(), Some("has no '='")),
    };
    Pair { key, value, fault: key_fault.or(value_fault) }
}

fn decode(text: &[u8]) -> (String, Option<&'static str>) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut fault = None;
    let mut rest = text.iter();
    while let Some(byte) = rest.next().copied() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match escaped(rest.as_slice()) {
                Some(decoded) => {
                    bytes.push(decoded);
                    rest.nth(1);
                }
                None => {
                    bytes.push(b'%');
                    fault = fault.or(Some("has a '%' without two hex digits after it"));
                }
            },
            0x21..=0x7e => bytes.push(byte),
            _ => {
                bytes.push(byte);
                fault = fault.or(Some("has a character that is not percent-encoded"));
            }
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => (text, fault),
        Err(error) => {
            (String::from_utf8_lossy(error.as_bytes()).into_owned(), fault.or(Some("is not UTF-8 after decoding")))
        }
    }
}

fn escaped(after_percent: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*after_percent.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn percent_plus_and_utf8_are_decoded() {
        let read = pairs(b"el=Pacts+verified&an=caf%C3%a9%26%3D&ds=");
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].key.as_str(), read[0].value.as_str()), ("el", "Pacts verified"));
        assert_eq!(read[1].value, "café&=");
        assert_eq!(read[2].value, "");
        assert!(read.iter().all(|pair| pair.fault.is_none()));
    }

    #[test]
    fn a_second_equals_sign_belongs_to_the_value() {
        assert_eq!(pairs(b"a=b=c")[0].value, "b=c");
    }

    #[test]
    fn every_encoding_fault_is_named() {
        let fault = |text: &[u8]| pairs(text)[0].fault.unwrap_or("none");
        assert!(fault(b"a=%zz").contains("hex"));
        assert!(fault(b"a=%4").contains("hex"));
        assert!(fault(b"a=b c").contains("percent-encoded"));
        assert!(fault("a=é".as_bytes()).contains("percent-encoded"));
        assert!(fault(b"a=%ff").contains("UTF-8"));
        assert!(fault(b"lonely").contains("'='"));
    }
}
