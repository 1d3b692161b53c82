//! Validation rules of the CRDs, in CEL, where the API server evaluates them.
//!
//! They stand here and not as schema patterns where a pattern's own message would only repeat a
//! regular expression. Each has a test that the API server refuses, and what it then says.

/// A name that a Kubernetes object can have (RFC 1123 subdomain).
pub const OBJECT_NAME: &str =
    "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')";
/// What to do about a name that no object can have.
pub const OBJECT_NAME_MESSAGE: &str = "not a name that an object can have: use lower-case letters, digits, '-' and '.', such as grace-hopper";

/// The same, for each name in a list.
pub(super) const OBJECT_NAMES: &str =
    "self.all(n, n.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'))";

/// A day of the calendar (RFC 3339 full-date). Days of one length compare as text.
pub(super) const DATE: &str = "!format.date().validate(self).hasValue()";
/// What to do about it.
pub(super) const START_DATE_MESSAGE: &str =
    "startDate must be a day of the calendar, written year-month-day, such as 2026-12-01";
/// What to do about it.
pub(super) const END_DATE_MESSAGE: &str =
    "endDate must be a day of the calendar, written year-month-day, such as 2027-06-30";

/// What to do about it.
pub(super) const UNTIL_MESSAGE: &str =
    "until must be a day of the calendar, written year-month-day, such as 2027-06-30";

/// One `@` with something on both sides. More than that only sending a message proves.
pub(super) const EMAIL: &str = "self.matches('^[^@[:space:]]+@[^@[:space:]]+$')";
/// What to do about it.
pub(super) const EMAIL_MESSAGE: &str = "must be an e-mail address such as ada@example.com";

/// An employeeId: it becomes a part of the mark, whose parts `/` divides, and of file names.
pub(super) const EMPLOYEE_ID: &str = "self.matches('^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$')";
/// What to do about it.
pub(super) const EMPLOYEE_ID_MESSAGE: &str = "employeeId may hold letters, digits and, between them, '.', '_' and '-', such as 1042 or DE-1042";

/// Names of the IANA time zone database: the areas, and the names without an area that it keeps for
/// compatibility (its file `backward`). Whether the location exists only the operator can tell.
pub(super) const TIME_ZONE: &str = "self.matches('^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe|Indian|Mexico|Pacific|US)(/[A-Za-z0-9_+-]+){1,2}$') || self.matches('^(UTC|UCT|GMT([+-]?0)?|Universal|Zulu|Greenwich|CET|EET|MET|WET|EST|HST|MST|CST6CDT|EST5EDT|MST7MDT|PST8PDT|Cuba|Egypt|Eire|GB(-Eire)?|Hongkong|Iceland|Iran|Israel|Jamaica|Japan|Kwajalein|Libya|NZ(-CHAT)?|Navajo|PRC|Poland|Portugal|ROC|ROK|Singapore|Turkey|W-SU)$')";
/// What to do about it.
pub(super) const TIME_ZONE_MESSAGE: &str =
    "timeZone must be an IANA name such as Europe/Berlin, America/New_York or UTC";

/// A map of free facts: keys are bounded, as the schema can't bound them.
pub(super) const FACT_KEYS: &str =
    "self.all(k, size(k) <= 63 && k.matches('^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$'))";
/// What to do about it.
pub(super) const FACT_KEYS_MESSAGE: &str = "names of attributes may have 63 characters: letters, digits and, between them, '.', '_' and '-', such as team";

/// A map from the attributes of an application: keys are bounded, as the schema can't bound them.
pub(super) const TARGET_ATTRIBUTE_KEYS: &str = "self.all(k, size(k) >= 1 && size(k) <= 256)";
/// What to do about it.
pub(super) const TARGET_ATTRIBUTE_KEYS_MESSAGE: &str =
    "names of attributes must have 1 to 256 characters, such as displayName";

/// A purpose of accounts: a part of the mark.
pub(super) const PURPOSE: &str = "self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')";
/// What to do about it.
pub(super) const PURPOSE_MESSAGE: &str =
    "account.purpose may hold lower-case letters, digits and, between them, '-', such as admin";

/// An absolute http or https URL with a host and a possible port.
pub(super) const BASE_URL: &str = "isURL(self) && url(self).getScheme() in ['https', 'http'] && url(self).getHostname() != '' && (url(self).getPort() == '' || (size(url(self).getPort()) <= 5 && int(url(self).getPort()) >= 1 && int(url(self).getPort()) <= 65535))";
/// What to do about it.
pub(super) const BASE_URL_MESSAGE: &str =
    "baseUrl must be an absolute http or https URL such as https://example.com/scim/v2";

/// Nothing in a URL that would travel into logs or change what is asked.
pub(super) const PLAIN_URL: &str =
    "!self.contains('@') && !self.contains('?') && !self.contains('#')";
/// What to do about it.
pub(super) const PLAIN_URL_MESSAGE: &str = "baseUrl must carry no user, query or fragment; put credentials into a Secret and name it in auth";

/// One second to a week, in units from large to small, none of them zero.
pub(super) const INTERVAL: &str = "self != '' && self.matches('^([1-7]d)?([1-9][0-9]{0,2}h)?([1-9][0-9]{0,3}m)?([1-9][0-9]{0,4}s)?$')";
/// What to do about it.
pub(super) const INTERVAL_MESSAGE: &str = "interval must be at least 1s, in units from large to small, of at most 7d, 999h, 9999m and 99999s, such as 30s, 10m, 1h30m or 1d";

/// One hour to about three years, in units from large to small.
pub(super) const RETAIN: &str =
    "self.matches('^([1-9][0-9]{0,2}d)?([1-9][0-9]{0,2}h)?$') && self != ''";
/// What to do about it.
pub(super) const RETAIN_MESSAGE: &str =
    "retain must be a time of days and hours, of at most 999d and 999h, such as 30d or 36h";

/// Nothing to about three years, in units from large to small.
pub(super) const GRACE: &str = "self != '' && self.matches('^([1-9][0-9]{0,2}d)?([1-9][0-9]{0,2}h)?([1-9][0-9]{0,3}m)?([1-9][0-9]{0,4}s)?$')";
/// What to do about it.
pub(super) const GRACE_MESSAGE: &str = "graceAfterLoss must be a time in units from large to small, of at most 999d, 999h, 9999m and 99999s, such as 36h or 14d; leave it out for none";

/// What to do about it.
pub(super) const AFTER_MESSAGE: &str = "after must be a time in units from large to small, of at most 999d, 999h, 9999m and 99999s, such as 36h or 7d";
/// What to do about it.
pub(super) const ORPHAN_RETAIN_MESSAGE: &str = "retain must be a time in units from large to small, of at most 999d, 999h, 9999m and 99999s, such as 30d or 36h";

/// One second to about a quarter of an hour.
pub(super) const TIMEOUT: &str = "self != '' && self.matches('^([1-9]m)?([1-9][0-9]{0,2}s)?$')";
/// What to do about it.
pub(super) const TIMEOUT_MESSAGE: &str =
    "timeout must be at least 1s, of at most 9m and 999s, such as 30s or 1m30s";

/// Nothing to about three months.
pub(super) const HOLD: &str = "self == '0s' || (self != '' && self.matches('^([1-9][0-9]?d)?([1-9][0-9]{0,2}h)?([1-9][0-9]{0,3}m)?([1-9][0-9]{0,4}s)?$'))";
/// What to do about it.
pub(super) const HOLD_MESSAGE: &str = "hold must be a time in units from large to small, of at most 99d, 999h, 9999m and 99999s, such as 24h, 90m, 2d12h, or 0s for none";

/// ASCII punctuation, each sign as itself.
pub(super) const PUNCTUATION: &str = r"self.matches('^[!-/:-@\\[-`{-~]*$')";
/// What to do about it.
pub(super) const PUNCTUATION_MESSAGE: &str = "allowedPunctuation may hold ASCII punctuation alone, such as .-_@; letters and digits are always allowed";

/// What to do about it.
pub(super) const PASSWORD_PUNCTUATION_MESSAGE: &str =
    "punctuation may hold ASCII punctuation alone, such as -._~!+=";

/// A minute to about three months.
pub(super) const KEEP_FOR: &str = "self != '' && self.matches('^([1-9][0-9]?d)?([1-9][0-9]{0,2}h)?([1-9][0-9]{0,3}m)?([1-9][0-9]{0,4}s)?$')";
/// What to do about it.
pub(super) const KEEP_FOR_MESSAGE: &str = "keepFor must be a time in units from large to small, of at most 99d, 999h, 9999m and 99999s, such as 7d or 36h";

/// A second to about three months.
pub(super) const WINDOW: &str = KEEP_FOR;
/// What to do about it.
pub(super) const WINDOW_MESSAGE: &str = "window must be a time in units from large to small, of at most 99d, 999h, 9999m and 99999s, such as 24h or 7d";

/// RFC 7617 section 2: the colon divides the user name from the password.
pub(super) const BASIC_USERNAME: &str = "!self.contains(':')";
/// What to do about it.
pub(super) const BASIC_USERNAME_MESSAGE: &str =
    "username must not hold a colon, which divides it from the password (RFC 7617 section 2)";

/// What to do about a token endpoint that is no http URL.
pub(super) const TOKEN_URL_MESSAGE: &str =
    "tokenUrl must be an absolute http or https URL such as https://login.example.com/oauth2/token";
/// A token endpoint may have a query, but no fragment (RFC 6749 section 3.2).
pub(super) const TOKEN_URL: &str = "!self.contains('@') && !self.contains('#')";
/// What to do about it.
pub(super) const TOKEN_URL_PLAIN_MESSAGE: &str = "tokenUrl must carry no user or fragment; put the client's secret into a Secret and name it in clientSecretKeyRef";

/// RFC 6749 section 3.3.
pub(super) const SCOPES: &str = r"self.all(s, s.matches('^[!#-\\[\\]-~]+$'))";
/// What to do about it.
pub(super) const SCOPES_MESSAGE: &str = "each of scopes is one word, such as scim.write: no space, quote or backslash (RFC 6749 section 3.3)";

/// Servers of a directory: a host and a possible port, nothing else.
pub(super) const LDAP_SERVERS: &str =
    r"self.all(s, s.matches('^ldaps?://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$'))";
/// What to do about it.
pub(super) const LDAP_SERVERS_MESSAGE: &str = "each of servers must be a URL with a host and, if it is not the usual one, a port, such as ldaps://ldap.example.com or ldap://ldap.example.com:1389";

/// A database: a kind, a host, a possible port, a name.
pub(super) const SQL_URL: &str = r"self.matches('^(postgres(ql)?|mysql|mariadb)://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/[A-Za-z0-9_.-]+$')";
/// What to do about it.
pub(super) const SQL_URL_MESSAGE: &str = "url must name a database, and no user or option, such as postgres://db.example.com:5432/app or mysql://db.example.com:3306/app; put credentials into a Secret and name it in auth";
