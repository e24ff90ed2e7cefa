//! What mails say.

use hallpass::mail::{Mail, MailKind};

/// The words of one mail, around its link.
///
/// The user's name is not among them: whoever signs somebody else up chooses it, and could make our mail say what they like.
pub(super) struct Text<'a> {
    subject: &'a str,
    url: &'a str,
    /// What it is about.
    before: String,
    /// What the link is called where it is not shown.
    link: &'static str,
    /// What to do if one did not ask for it.
    after: &'static str,
}

impl<'a> Text<'a> {
    pub(super) fn of(mail: &'a Mail) -> Self {
        let (before, link, after) = match &mail.kind {
            kind if *kind == MailKind::VERIFY_EMAIL => (
                "Please confirm that this is your e-mail address:".into(),
                "Confirm address",
                "If this means nothing to you, somebody mistyped an address, and you need not do anything.",
            ),
            kind if *kind == MailKind::RESET_PASSWORD => (
                "You can choose a new password here:".into(),
                "Choose a new password",
                "If you did not ask for this, you need not do anything: your password stays as it is.",
            ),
            kind if *kind == MailKind::CHANGE_EMAIL_CONFIRMATION => (
                match &mail.new_email {
                    Some(address) => format!("Your e-mail address is about to be changed to {address}. To agree:"),
                    None => "Your e-mail address is about to be changed. To agree:".into(),
                },
                "Change address",
                "If you did not ask for this, do not follow the link, and change your password.",
            ),
            kind if *kind == MailKind::DELETE_ACCOUNT => (
                "Your account is about to be deleted. To agree:".into(),
                "Delete account",
                "If you did not ask for this, do not follow the link, and change your password.",
            ),
            _ => {
                ("Please follow this link:".into(), "Go on", "If this means nothing to you, you need not do anything.")
            }
        };
        Self { subject: &mail.subject, url: &mail.url, before, link, after }
    }

    pub(super) fn plain(&self) -> String {
        format!("{}\r\n\r\n{}\r\n\r\n{}\r\n", self.before, self.url, self.after)
    }

    pub(super) fn html(&self) -> String {
        let [subject, url, before] = [self.subject, self.url, &self.before].map(escaped);
        let Self { link, after, .. } = self;
        format!(
            "<!doctype html>\r\n<html lang=\"en\">\r\n<head><meta charset=\"utf-8\"><title>{subject}</title></head>\r\n\
             <body style=\"font-family: sans-serif; line-height: 1.5\">\r\n<p>{before}</p>\r\n\
             <p><a href=\"{url}\">{link}</a></p>\r\n<p>{after}</p>\r\n\
             <p style=\"font-size: small\">The link, to copy: {url}</p>\r\n</body>\r\n</html>\r\n"
        )
    }
}

/// Text that is text in HTML too, in attributes as well.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use hallpass::store::{Timestamp, User, UserId};

    use super::*;

    fn mail(kind: MailKind) -> Mail {
        let ada =
            User::new(UserId::new("u1"), "Visit https://evil.example", "ada@example.com", Timestamp::from_millis(0));
        Mail::new(kind, ada, "A subject", "https://h/v?token=t&callbackURL=%2F\"><script>".into(), "t".into())
    }

    #[test]
    fn every_kind_has_words_of_its_own_and_the_link_in_both_parts() {
        let mut seen = Vec::new();
        for kind in [
            MailKind::VERIFY_EMAIL,
            MailKind::RESET_PASSWORD,
            MailKind::CHANGE_EMAIL_CONFIRMATION,
            MailKind::DELETE_ACCOUNT,
            MailKind::new("of-a-plugin"),
        ] {
            let mail = mail(kind);
            let text = Text::of(&mail);
            assert!(text.plain().contains(&format!("\r\n{}\r\n", mail.url)));
            let html = text.html();
            assert!(
                html.contains("href=\"https://h/v?token=t&amp;callbackURL=%2F&quot;&gt;&lt;script&gt;\""),
                "{html}"
            );
            assert!(!html.contains("<script") && !html.contains("evil.example"));
            assert!(!seen.contains(&text.before));
            seen.push(text.before);
        }
    }

    #[test]
    fn the_address_that_is_wanted_is_shown_and_cannot_be_markup() {
        let mut mail = mail(MailKind::CHANGE_EMAIL_CONFIRMATION);
        mail.new_email = Some("\"<b>\"@example.com".into());
        assert!(Text::of(&mail).plain().contains("\"<b>\"@example.com"));
        assert!(Text::of(&mail).html().contains("&quot;&lt;b&gt;&quot;@example.com"));
    }
}
