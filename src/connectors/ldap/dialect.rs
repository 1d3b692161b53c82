//! What kinds of directory there are, as far as they differ by more than what their root entry announces.

use super::config::Disabling;

/// A kind of directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Nothing but the standards (RFC 4510 and what it names).
    Standard,
    /// OpenLDAP's slapd, with its password policy overlay.
    OpenLdap,
    /// 389 Directory Server and its relatives.
    DirectoryServer389,
    /// Active Directory, and Samba as its domain controller.
    ActiveDirectory,
}

/// The time that locks an account until it is unlocked by hand
/// (draft-behera-ldap-password-policy section 5.3.3).
const LOCKED_FOR_GOOD: &str = "000001010000Z";

impl Dialect {
    /// How accounts are disabled unless told otherwise.
    #[must_use]
    pub fn disabling(self) -> Disabling {
        let by = |name: &str, disabled: &str| Disabling::Attribute {
            name: name.to_owned(),
            disabled: disabled.to_owned(),
            enabled: None,
        };
        match self {
            Self::Standard => Disabling::Never,
            Self::OpenLdap => by("pwdAccountLockedTime", LOCKED_FOR_GOOD),
            Self::DirectoryServer389 => by("nsAccountLock", "true"),
            Self::ActiveDirectory => Disabling::UserAccountControl,
        }
    }

    /// The attribute with an identifier that never changes, unless told otherwise.
    #[must_use]
    pub fn id_attribute(self) -> &'static str {
        match self {
            Self::Standard | Self::OpenLdap => "entryUUID",
            Self::DirectoryServer389 => "nsUniqueId",
            Self::ActiveDirectory => "objectGUID",
        }
    }

    /// The attribute with the user name, unless told otherwise.
    #[must_use]
    pub fn username_attribute(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "sAMAccountName",
            _ => "uid",
        }
    }

    /// The attribute that names a new entry, unless told otherwise.
    #[must_use]
    pub fn naming_attribute(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "CN",
            _ => "uid",
        }
    }

    /// Object classes of a new account, unless told otherwise.
    #[must_use]
    pub fn account_classes(self) -> &'static [&'static str] {
        match self {
            Self::ActiveDirectory => &["top", "person", "organizationalPerson", "user"],
            _ => &["inetOrgPerson"],
        }
    }

    /// Which entries are accounts, unless told otherwise.
    #[must_use]
    pub fn account_filter(self) -> &'static str {
        match self {
            // Computers are users too.
            Self::ActiveDirectory => {
                "(&(objectCategory=person)(objectClass=user)(!(objectClass=computer)))"
            }
            _ => "(objectClass=inetOrgPerson)",
        }
    }

    /// Characters that an attribute with user names holds, at most, where that is known.
    #[must_use]
    pub fn longest(self, username_attribute: &str) -> Option<u16> {
        // MS-ADA3 2.222: the schema says 256, and no account can have more than 20.
        let is_sam = username_attribute.eq_ignore_ascii_case("sAMAccountName");
        (self == Self::ActiveDirectory && is_sam).then_some(20)
    }

    /// Whether a password can be marked as one that must be changed.
    #[must_use]
    pub fn can_expire_passwords(self) -> bool {
        matches!(self, Self::ActiveDirectory | Self::OpenLdap)
    }

    /// Whether groups may have no members.
    #[must_use]
    pub fn allows_empty_groups(self) -> bool {
        matches!(self, Self::ActiveDirectory | Self::DirectoryServer389)
    }

    /// Attributes with what lets somebody in that knows the other half: public keys and certificates. Applications
    /// believe them, and Active Directory itself.
    #[must_use]
    pub fn key_attributes(self) -> &'static [&'static str] {
        match self {
            Self::ActiveDirectory => &[
                // Windows Hello and security keys (MS-ADA2 2.481), and certificates by their issuer or name.
                "msDS-KeyCredentialLink",
                "altSecurityIdentities",
                "userCertificate",
                "sshPublicKey",
            ],
            // Some servers know a certificate by the one name (RFC 4523 section 2.1), some by the other.
            _ => &[
                "sshPublicKey",
                "ipaSshPubKey",
                "userCertificate;binary",
                "userCertificate",
            ],
        }
    }

    /// The attribute that names whoever an entry belongs to (RFC 4519 section 2.20; MS-ADA2 2.60).
    #[must_use]
    pub fn owner_attribute(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "managedBy",
            _ => "owner",
        }
    }
}
