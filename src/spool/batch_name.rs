//! The name of a batch's file: its destination, when it was made, its writer, and whether the writer gave it away.
//! Names are parsed and printed here and nowhere else.

use std::fmt;

/// `<destination>-<ms since 1970>-<writer>-<number>.batch`; with `-0` before the extension, its writer gave it away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchName {
    /// When the batch was made, in milliseconds since 1970. This field is the first, so that names sort by age.
    pub made_ms: u64,
    /// 32 hexadecimal digits: a digest, from which neither the URL nor the credentials can be read.
    pub destination: String,
    /// Random. A process id would be the same in every run of a container.
    pub writer: String,
    /// Tells the batches of one writer apart.
    pub number: u64,
    /// Any process may take it at once.
    pub is_given_away: bool,
}

impl BatchName {
    /// `None` for the name of any other file.
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(".batch")?.split('-');
        let (destination, made_ms, writer, number) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_given_away = match (parts.next(), parts.next()) {
            (None, _) => false,
            (Some("0"), None) => true,
            _ => return None,
        };
        let is_hexadecimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_decimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_ours = destination.len() == 32
            && is_hexadecimal(destination)
            && is_hexadecimal(writer)
            && is_decimal(made_ms)
            && is_decimal(number);
        is_ours.then_some(())?;
        Some(BatchName {
            made_ms: made_ms.parse().ok()?,
            destination: destination.into(),
            writer: writer.into(),
            number: number.parse().ok()?,
            is_given_away,
        })
    }
}

impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BatchName { made_ms, destination, writer, number, is_given_away } = self;
        let given = if *is_given_away { "-0" } else { "" };
        write!(f, "{destination}-{made_ms:013}-{writer}-{number}{given}.batch")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESTINATION: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        for is_given_away in [false, true] {
            let name = BatchName {
                made_ms: 1_800_000_000_000,
                destination: DESTINATION.into(),
                writer: "00ff".into(),
                number: 7,
                is_given_away,
            };
            assert_eq!(BatchName::parse(&name.to_string()), Some(name));
        }
    }

    #[test]
    fn the_name_of_another_file_is_no_batch() {
        let good = format!("{DESTINATION}-1800000000000-00ff-7");
        assert!(BatchName::parse(&format!("{good}.batch")).is_some());
        for name in [
            "".into(),
            good.clone(),
            format!("{good}.torn"),
            format!(".{good}.batch"),
            format!("{good}-1.batch"),
            format!("{good}-0-0.batch"),
            format!("{DESTINATION}-x-00ff-7.batch"),
            format!("{DESTINATION}-+1-00ff-7.batch"),
            format!("{DESTINATION}-1-00ff-+7.batch"),
            format!("{DESTINATION}-99999999999999999999999-00ff-7.batch"),
            format!("{DESTINATION}-1-zz-7.batch"),
            format!("{DESTINATION}--00ff-7.batch"),
            format!("{DESTINATION}.batch"),
            "0123-1800000000000-00ff-7.batch".into(),
        ] {
            assert_eq!(BatchName::parse(&name), None, "{name}");
        }
    }
}
