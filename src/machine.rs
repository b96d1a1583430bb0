//! The machine that reports: the digest of its name, its system, whether it is a CI machine. Asks the platform for the
//! name and the caller for the environment; sends nothing, keeps nothing.

use crate::platform;
use md5::{Digest, Md5};
use std::ffi::OsString;

/// What every event of this machine carries.
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
    /// This machine. Reads its name; "unknown" stands in for one that cannot be read.
    pub fn this_machine() -> Self {
        Self::named(&platform::process::hostname().unwrap_or_else(|| "unknown".into()))
    }

    /// The machine with that name.
    pub fn named(hostname: &str) -> Self {
        Self::identified_by(Md5::digest(hostname.trim().to_ascii_lowercase()).into())
    }

    /// This machine under that identifier.
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

fn hexadecimal(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Variables that tell a CI machine: those that Pact reads today, and the vendor-neutral ones and GitHub's of npm's
/// `ci-info`.
const CI_VARIABLES: [&str; 31] = [
    "CI",
    "CONTINUOUS_INTEGRATION",
    "BUILD_ID",
    "BUILD_NUMBER",
    "CI_APP_ID",
    "CI_BUILD_ID",
    "CI_BUILD_NUMBER",
    "CI_NAME",
    "RUN_ID",
    "GITHUB_ACTIONS",
    "BSTRUSE_BUILD_DIR",
    "APPVEYOR",
    "BUDDY_WORKSPACE_URL",
    "BUILDKITE",
    "CF_BUILD_URL",
    "CIRCLECI",
    "CODEBUILD_BUILD_ARN",
    "CONCOURSE_URL",
    "DRONE",
    "GITLAB_CI",
    "GO_SERVER_URL",
    "JENKINS_URL",
    "PROBO_ENVIRONMENT",
    "SEMAPHORE",
    "SHIPPABLE",
    "TDDIUM",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "TRAVIS",
    "WERCKER_ROOT",
    "BITBUCKET_BUILD_NUMBER",
];

/// Is this a CI machine? `CI=false` means no, whatever else is set (as in npm's `ci-info`).
pub fn is_ci(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    let denied = variable("CI").is_some_and(|value| value.eq_ignore_ascii_case("false"));
    !denied && CI_VARIABLES.iter().any(set)
}

#[cfg(test)]
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
        assert!(!with(&[("CI", "")]));
        assert!(!with(&[("CI", "false"), ("GITHUB_ACTIONS", "true")]));
        assert!(with(&[("CI", "true")]));
        assert!(with(&[("CI", "1")]));
        for name in CI_VARIABLES {
            assert!(with(&[(name, "x")]), "{name}");
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
