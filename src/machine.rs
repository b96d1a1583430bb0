//! The machine that reports: the digest of its name, its system, whether it is a CI machine. Gets the name from the
//! platform and the environment from the caller. Sends and stores nothing.

use crate::platform;
use md5::{Digest, Md5};
use std::ffi::OsString;

/// What every event of a machine contains about it.
#[derive(Debug, Clone)]
pub struct Machine {
    /// 32 lower-case hexadecimal digits: MD5 of the trimmed, lower-cased hostname. Universal Analytics' `cid`.
    pub digest: String,
    /// The same digest in GA4's form: two decimal numbers, neither of them zero, joined by a dot.
    pub client_id: String,
    /// Operating system and architecture, such as `linux-x86_64`.
    pub os_arch: String,
}

impl Machine {
    /// This machine. Reads its name, or uses "unknown" if it cannot be read.
    pub fn this_machine() -> Self {
        Self::named(&platform::process::hostname().unwrap_or_else(|| "unknown".into()))
    }

    /// A machine with this name.
    pub fn named(hostname: &str) -> Self {
        Self::identified_by(Md5::digest(hostname.trim().to_ascii_lowercase()).into())
    }

    /// This machine under an identifier of 32 hexadecimal digits.
    pub fn identified_by(identifier: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = identifier;
        let first = u32::from_be_bytes([a, b, c, d]).max(1);
        let second = u32::from_be_bytes([e, f, g, h]).max(1);
        Machine {
            digest: hexadecimal(identifier),
            client_id: format!("{first}.{second}"),
            os_arch: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// The MD5 digest of these bytes, as 32 lower-case hexadecimal digits.
pub fn digest_of(bytes: &[u8]) -> String {
    hexadecimal(Md5::digest(bytes).into())
}

/// The first 32 bits of the MD5 digest of these bytes.
pub fn short_digest_of(bytes: &[u8]) -> u32 {
    let [a, b, c, d, ..]: [u8; 16] = Md5::digest(bytes).into();
    u32::from_be_bytes([a, b, c, d])
}

fn hexadecimal(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// The vendors by which continuous integration is recognised.
const CI_VENDORS: &str = include_str!("ci.txt");

/// Whether this is a machine of continuous integration, by the rules of npm's `ci-info`: `CI`, `CONTINUOUS_INTEGRATION`
/// or a variable of a vendor is set. A variable that is empty, `0`, `false`, `no`, `off` or `n` counts as not set. A
/// `CI` with such a value means no, whatever else is set. A name that other programs use too, such as `BUILD_ID` or
/// `RUN_ID`, is not enough.
pub fn is_ci(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let value: &dyn Fn(&str) -> Option<String> =
        &|name| variable(name).map(|value| value.to_string_lossy().into_owned());
    let is_set = |name: &str| value(name).is_some_and(|value| !says_no(&value));
    let holds = |condition: &str| match (condition.split_once('='), condition.split_once('~')) {
        (Some((name, wanted)), _) => value(name).is_some_and(|value| value == wanted),
        (_, Some((name, part))) => value(name).is_some_and(|value| value.contains(part)),
        _ => is_set(condition),
    };
    if value("CI").is_some_and(|value| !value.is_empty() && says_no(&value)) {
        return false;
    }
    let vendors = CI_VENDORS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    let mut conditions = vendors.map(|(_, conditions)| conditions);
    is_set("CI")
        || is_set("CONTINUOUS_INTEGRATION")
        || conditions.any(|conditions| conditions.split_whitespace().all(holds))
}

/// Whether this value means that the variable counts as not set.
fn says_no(value: &str) -> bool {
    let value = value.trim();
    ["", "0", "false", "no", "off", "n"].iter().any(|no| value.eq_ignore_ascii_case(no))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_digest_is_that_of_the_trimmed_lower_cased_name() {
        // printf build-7 | md5sum
        let machine = Machine::named(" Build-7\n");
        assert_eq!(machine.digest, "e385fc8d60ceec4f8061bf73bb4e4104");
        assert_eq!(machine.client_id, format!("{}.{}", 0xe385fc8d_u32, 0x60ceec4f_u32));
        assert_eq!(machine.digest, Machine::named("build-7").digest);
    }

    #[test]
    fn only_an_empty_or_denied_environment_is_not_ci() {
        let with = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.to_string(), OsString::from(value))).collect();
            is_ci(move |name| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
        };
        assert!(!with(&[]));
        for no in ["", "0", "false", "FALSE", "no", "off", "n", " 0 "] {
            assert!(!with(&[("CI", no)]), "{no:?}");
            assert!(!with(&[("GITHUB_ACTIONS", no), ("CONTINUOUS_INTEGRATION", no)]), "{no:?}");
        }
        assert!(!with(&[("CI", "false"), ("GITHUB_ACTIONS", "true")]));
        assert!(with(&[("CI", ""), ("GITHUB_ACTIONS", "true")]));
        for yes in ["true", "1", "woodpecker", "yes"] {
            assert!(with(&[("CI", yes)]), "{yes}");
        }
        for generic in ["BUILD_ID", "BUILD_NUMBER", "RUN_ID", "CI_NAME", "CI_APP_ID", "CI_BUILD_ID", "TASK_ID", "NODE"]
        {
            assert!(!with(&[(generic, "17")]), "{generic} alone makes no person's machine one of CI");
        }
        assert!(
            with(&[("JENKINS_URL", "http://x"), ("BUILD_ID", "17")]) && with(&[("TASK_ID", "a"), ("RUN_ID", "0x")])
        );
        assert!(with(&[("CI_NAME", "codeship")]) && with(&[("NODE", "/app/.heroku/node/bin/node")]));
        assert!(with(&[("VERCEL", "1")]) && with(&[("NOW_BUILDER", "1")]) && with(&[("bamboo_planKey", "x")]));
    }

    #[test]
    fn every_line_of_the_list_of_vendors_is_understood() {
        let vendors: Vec<_> = CI_VENDORS.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(vendors.len() > 50);
        for line in vendors {
            let (name, conditions) = line.split_once(": ").unwrap();
            let names: Vec<_> = conditions.split(' ').map(|one| one.split(['=', '~']).next().unwrap()).collect();
            let is_name =
                |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            assert!(!name.is_empty() && names.iter().all(is_name), "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_client_id_is_two_positive_numbers(name in ".*") {
            let machine = Machine::named(&name);
            let parts: Vec<u32> = machine.client_id.split('.').filter_map(|part| part.parse().ok()).collect();
            prop_assert_eq!(parts.len(), 2);
            prop_assert!(parts.iter().all(|part| *part > 0));
            prop_assert_eq!(machine.digest.len(), 32);
        }
    }
}
