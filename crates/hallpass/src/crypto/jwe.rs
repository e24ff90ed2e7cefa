//! JSON Web Encryption with keys made of the server's secrets (CONTRACT §5.3): compact form, `dir`, A256CBC-HS512.

use aes::{
    Aes256,
    cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit, block_padding::Pkcs7},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use hallpass_store::{Timestamp, json};
use hallpass_verify::Secret;
use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::{
    jws,
    random::{Randomness, draw_uuid},
    secrets::{self, Secrets},
};

/// What keys for the copy of a session are derived with.
pub(crate) const SESSION: &str = "better-auth-session";
/// What keys for the copy of an account are derived with.
pub(crate) const ACCOUNT: &str = "better-auth-account";

const INFO: &[u8] = b"BetterAuth.js Generated Encryption Key";
/// How far the clocks of two servers may be apart, in seconds.
const TOLERANCE: f64 = 15.0;
const IV_LEN: usize = 16;
const TAG_LEN: usize = 32;

/// The keys for one use, one for each secret, the current one first. Derived once and not at every request.
pub(crate) struct KeyRing(Vec<Key>);

struct Key {
    /// Its thumbprint (RFC 7638), by which a reader finds it.
    id: String,
    mac: Zeroizing<[u8; 32]>,
    cipher: Zeroizing<[u8; 32]>,
}

impl KeyRing {
    /// The keys that the secrets give for a use.
    pub(crate) fn new(secrets: &Secrets, salt: &str) -> Self {
        Self(secrets.all().map(|secret| Key::new(secret, salt)).collect())
    }

    /// Encrypts claims with the current key, good for as many seconds. Claims named `iat`, `exp` and `jti` are replaced.
    pub(crate) fn seal(
        &self,
        mut claims: Map<String, Value>,
        source: &dyn Randomness,
        now: Timestamp,
        seconds: u64,
    ) -> Option<String> {
        let now = now.as_millis().div_euclid(1000);
        claims.insert("iat".into(), now.into());
        claims.insert("exp".into(), now.saturating_add_unsigned(seconds).into());
        claims.insert("jti".into(), draw_uuid(source).into());
        let mut iv = [0; IV_LEN];
        source.fill(&mut iv);
        Some(self.0.first()?.seal(&iv, json::stringify(&Value::Object(claims)).as_bytes()))
    }

    /// The claims of a token that one of the keys opens and whose time has come and not passed.
    pub(crate) fn open(&self, token: &str, now: Timestamp) -> Option<Map<String, Value>> {
        let mut parts = token.split('.');
        let [header, key, iv, ciphertext, tag] = std::array::from_fn(|_| parts.next());
        let (protected, iv, ciphertext, tag) = (header?, decode(iv?)?, decode(ciphertext?)?, decode(tag?)?);
        if !key?.is_empty() || parts.next().is_some() {
            return None;
        }
        let header: Map<String, Value> = serde_json::from_slice(&decode(protected)?).ok()?;
        let says = |name: &str, text: &str| header.get(name).is_some_and(|value| value == text);
        let is_plain = !header.contains_key("zip") && !header.contains_key("crit");
        if !says("alg", "dir") || !says("enc", "A256CBC-HS512") || !is_plain {
            return None;
        }
        let is_meant = |key: &&Key| !header.contains_key("kid") || says("kid", &key.id);
        let opened = self.0.iter().filter(is_meant).find_map(|key| key.open(protected, &iv, &ciphertext, &tag))?;
        let claims = serde_json::from_slice(&opened).ok()?;
        jws::check_times(&claims, now, TOLERANCE).ok().map(|()| claims)
    }
}

impl Key {
    fn new(secret: &Secret, salt: &str) -> Self {
        let mut bytes = Zeroizing::new([0; 64]);
        secrets::expand(secret, salt.as_bytes(), INFO, &mut *bytes);
        let document = Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, BASE64URL.encode(*bytes)));
        let id = BASE64URL.encode(Sha256::digest(&*document));
        let [mut mac, mut cipher] = [Zeroizing::new([0; 32]), Zeroizing::new([0; 32])];
        for (key, half) in [&mut mac, &mut cipher].into_iter().zip(bytes.chunks(32)) {
            key.copy_from_slice(half);
        }
        Self { id, mac, cipher }
    }

    fn seal(&self, iv: &[u8; IV_LEN], text: &[u8]) -> String {
        let header = format!(r#"{{"alg":"dir","enc":"A256CBC-HS512","kid":"{}"}}"#, self.id);
        let header = BASE64URL.encode(header);
        let cipher = cbc::Encryptor::<Aes256>::new((&*self.cipher).into(), iv.into());
        let ciphertext = cipher.encrypt_padded_vec_mut::<Pkcs7>(text);
        let mac = self.mac(&header, iv, &ciphertext).finalize().into_bytes();
        let (tag, _) = mac.split_at(TAG_LEN);
        let [iv, ciphertext, tag] = [&iv[..], &ciphertext, tag].map(|part| BASE64URL.encode(part));
        format!("{header}..{iv}.{ciphertext}.{tag}")
    }

    fn open(&self, header: &str, iv: &[u8], ciphertext: &[u8], tag: &[u8]) -> Option<Vec<u8>> {
        let iv: &[u8; IV_LEN] = iv.try_into().ok()?;
        let tag: &[u8; TAG_LEN] = tag.try_into().ok()?;
        // In constant time, and before anything is decrypted: whoever alters a token learns nothing from its padding.
        self.mac(header, iv, ciphertext).verify_truncated_left(tag).ok()?;
        let cipher = cbc::Decryptor::<Aes256>::new((&*self.cipher).into(), iv.into());
        cipher.decrypt_padded_vec_mut::<Pkcs7>(ciphertext).ok()
    }

    /// RFC 7518 §5.2.2.1: over header, initialization vector, ciphertext, and the header's length in bits. Half of it is the tag.
    fn mac(&self, header: &str, iv: &[u8; IV_LEN], ciphertext: &[u8]) -> Hmac<Sha512> {
        #[expect(clippy::expect_used, reason = "HMAC accepts keys of every length")]
        let mac = <Hmac<Sha512> as Mac>::new_from_slice(&*self.mac).expect("HMAC accepts keys of every length");
        let bits = (header.len() as u64).saturating_mul(8);
        mac.chain_update(header).chain_update(iv).chain_update(ciphertext).chain_update(bits.to_be_bytes())
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        crypto::{hex, random::SystemRandomness},
        options::Environment,
    };

    const SECRET: &str = "better-auth-contract-secret-00000000";
    const MOMENT: i64 = 1_893_456_000_000;

    fn ring(secret: &str, salt: &str) -> KeyRing {
        KeyRing::new(&Secrets::new(secret.into()), salt)
    }

    fn hex_of(key: &Key) -> String {
        [key.mac.as_slice(), key.cipher.as_slice()].map(hex::encode).concat()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(MOMENT + seconds * 1000)
    }

    fn sealed(keys: &KeyRing, claims: &Value) -> String {
        keys.seal(claims.as_object().cloned().unwrap(), &SystemRandomness, at(0), 300).unwrap()
    }

    /// Made by the npm package of `{"a":1,"b":"ä"}`, good for sixty years: with the secret alone, with version 2 of
    /// `2:new secret,1:<secret>`, and by its JOSE library without `kid`.
    const BY_NPM: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiQnU4VDdqWW1CZG0tclZRWGw4ZDQ4cWtVejNFanBhYU02U0NRS1kwb3poYyJ9..FMvNBCknlk5PGPDnbCNidw.l2e61LWDrVSjusoXKarAvgwpSxmv-o5zi94aHpRTQllnQy_ranX4cfK9VDiKpNaLW3W0wA9HrRBvzJFAejadkETZS2YWHJOJv7O57vY5f2a1WfGlXZmNph36_oThY_j-.xehIKcu2mnoAg9gdVwuMhfWw9RDBIJ5cwK5APSKg9E0";
    const BY_NPM_VERSION_2: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiVVBxdDZfT1FZT0I5b1gwbjJqMGJsdmtlcmRxTXJnUnhTOFNKaElDUjNEcyJ9..ALfn06WFDjl0EeuTJJOewQ.YYpY9Y-eMQ9jx0gnh183TJ-MfN00kRFQhZdp5r8m9D6s9NGoPbnF7hNNATfhzM9Zx0OWcPlsY6UQn23Afs3mi_t7Po22kNNlGnP8fq5On7xG5QoIzM1TBFf7dFqxGpZA.utoZvmNUrU0xa5Xl09QGgg57ck9f9sMANKDfXBXkhQo";
    const BY_NPM_WITHOUT_KID: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..uJkJBoGHwIQqXuA_4RR_KA.oz0r43HGWaJWd2zzlX1DoashmtfQ2Xb8sIuBEWMBmp4.H9s2Pm5xeLzD3PQYnCW_egjHQJzoxXXxo4REC7vEyhg";

    #[test]
    fn contract_5_3_key_and_kid() {
        let keys = ring(SECRET, SESSION);
        assert_eq!(
            hex_of(&keys.0[0]),
            "1b3f9f503607ac88686f895e924b2025633cc365549a88a6760612ee056f1b0b\
             fd5e1c47bd015bb39d9ee920156328e612bcd778be9c4b01eac4760edbc96714"
        );
        assert_eq!(keys.0[0].id, "Bu8T7jYmBdm-rVQXl8d48qkUz3EjpaaM6SCQKY0ozhc");
    }

    #[test]
    fn contract_5_4_key_and_kid() {
        let keys = ring(SECRET, ACCOUNT);
        assert_eq!(
            hex_of(&keys.0[0]),
            "c4ab17a6b33583d8a19e0c39c77a2dfc1424e495763e2b2c0e20a622308574e5\
             3085d41022b8039facfca1a8d54f6be1c46184d5f583b9bfb3e075640aeb8374"
        );
        assert_eq!(keys.0[0].id, "nuUhXt2EC4enLaRSWGH0Dn_WNOgQKYmu7CmoWRK7qRs");
    }

    #[test]
    fn contract_5_3_header_and_claims() {
        let keys = ring(SECRET, SESSION);
        let token = sealed(&keys, &json!({"b": 1.0, "exp": 0, "a": "ä"}));
        let parts: Vec<&str> = token.split('.').collect();
        let header = String::from_utf8(decode(parts[0]).unwrap()).unwrap();
        assert_eq!(
            header,
            r#"{"alg":"dir","enc":"A256CBC-HS512","kid":"Bu8T7jYmBdm-rVQXl8d48qkUz3EjpaaM6SCQKY0ozhc"}"#
        );
        let [iv, ciphertext, tag] = [2, 3, 4].map(|part| decode(parts[part]).unwrap());
        let text = String::from_utf8(keys.0[0].open(parts[0], &iv, &ciphertext, &tag).unwrap()).unwrap();
        let (claims, id) = text.split_at(text.len() - 39);
        assert_eq!(claims, r#"{"b":1,"exp":1893456300,"a":"ä","iat":1893456000,"jti":"#);
        assert!(id.starts_with('"') && id.ends_with("\"}") && id.as_bytes()[15] == b'4', "{id}");
    }

    #[test]
    fn contract_5_3_what_the_npm_package_encrypted_is_read() {
        let claims = ring(SECRET, SESSION).open(BY_NPM, at(0)).unwrap();
        assert_eq!(claims.keys().collect::<Vec<_>>(), ["a", "b", "iat", "exp", "jti"]);
        assert_eq!((&claims["a"], &claims["b"]), (&json!(1), &json!("ä")));
        assert!(ring(SECRET, ACCOUNT).open(BY_NPM, at(0)).is_none());
    }

    #[test]
    fn contract_5_3_each_secret_is_tried_unless_the_token_names_one() {
        let versions = |versions: &[(u32, &str)], single: Option<&str>| {
            let versions = versions.iter().map(|(version, secret)| (*version, (*secret).into())).collect();
            let secrets = Secrets::build(versions, single.map(Into::into), Environment::Production).unwrap();
            KeyRing::new(&secrets, SESSION)
        };
        let both = versions(&[(2, "new secret"), (1, SECRET)], None);
        for token in [BY_NPM, BY_NPM_VERSION_2, BY_NPM_WITHOUT_KID] {
            assert!(both.open(token, at(0)).is_some(), "{token}");
        }
        let legacy = versions(&[(2, "new secret")], Some(SECRET));
        assert!(legacy.open(BY_NPM, at(0)).is_some() && legacy.open(BY_NPM_WITHOUT_KID, at(0)).is_some());
        let neither = versions(&[(2, "another secret")], None);
        assert!(
            [BY_NPM, BY_NPM_VERSION_2, BY_NPM_WITHOUT_KID].iter().all(|token| neither.open(token, at(0)).is_none())
        );
    }

    #[test]
    fn contract_5_3_clocks_may_be_fifteen_seconds_apart() {
        let keys = ring(SECRET, SESSION);
        let token = sealed(&keys, &json!({"nbf": MOMENT / 1000}));
        let opens = [-16, -15, 0, 314, 315].map(|seconds| keys.open(&token, at(seconds)).is_some());
        assert_eq!(opens, [false, true, true, true, false]);
    }

    /// RFC 7518, appendix B.3.
    #[test]
    fn rfc_7518_b_3() {
        let key: Vec<u8> = (0..64).collect();
        let half = |from: usize| Zeroizing::new(<[u8; 32]>::try_from(&key[from..from + 32]).unwrap());
        let key = Key { id: String::new(), mac: half(0), cipher: half(32) };
        let iv = hex::decode("1af38c2dc2b96ffdd86694092341bc04").unwrap();
        let text = "A cipher system must not be required to be secret, and it must be able to fall into the hands of \
                    the enemy without inconvenience";
        let header = "The second principle of Auguste Kerckhoffs";
        let ciphertext = hex::decode(
            "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e9279c2\
             e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3\
             a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4930930806d0703b1f6",
        )
        .unwrap();
        let tag = hex::decode("4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5").unwrap();
        assert_eq!(key.open(header, &iv, &ciphertext, &tag).as_deref(), Some(text.as_bytes()));
        let sealed = key.seal(&iv.clone().try_into().unwrap(), text.as_bytes());
        assert!(sealed.contains(&BASE64URL.encode(&ciphertext)));
        let mac = key.mac(header, &iv.try_into().unwrap(), &ciphertext).finalize().into_bytes();
        assert_eq!(mac[..TAG_LEN], tag);
    }

    #[test]
    fn other_algorithms_and_shapes_are_refused() {
        let keys = ring(SECRET, SESSION);
        let good = sealed(&keys, &json!({}));
        let rest = good.split_once('.').unwrap().1;
        let headed = |header: &Value| format!("{}.{rest}", BASE64URL.encode(header.to_string()));
        for token in [
            headed(&json!({"alg": "dir", "enc": "A256GCM"})),
            headed(&json!({"alg": "A256KW", "enc": "A256CBC-HS512"})),
            headed(&json!({"alg": "none"})),
            good.replace("..", ".AA."),
            format!("{good}."),
            format!("{good}.AA"),
            rest.to_owned(),
            String::new(),
            "....".into(),
        ] {
            assert_eq!(keys.open(&token, at(0)), None, "{token}");
        }
        for more in [json!({"kid": null}), json!({"kid": ""}), json!({"zip": "DEF"}), json!({"crit": ["x"]})] {
            let mut header = json!({"alg": "dir", "enc": "A256CBC-HS512"});
            header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let header = BASE64URL.encode(header.to_string());
            let [iv, ciphertext] = ["iv", "ciphertext"].map(|_| [0; IV_LEN]);
            let tag = keys.0[0].mac(&header, &iv, &ciphertext).finalize().into_bytes();
            let [iv, ciphertext, tag] = [&iv[..], &ciphertext, &tag[..TAG_LEN]].map(|part| BASE64URL.encode(part));
            assert_eq!(keys.open(&format!("{header}..{iv}.{ciphertext}.{tag}"), at(0)), None, "{more}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_sealed_opens_and_a_flipped_bit_is_refused(text in ".{0,40}", place: usize, bit in 0..8_u8) {
            let keys = ring(SECRET, SESSION);
            let token = sealed(&keys, &json!({"text": text}));
            proptest::prop_assert_eq!(&keys.open(&token, at(0)).unwrap()["text"], &json!(text));
            let mut bytes = token.into_bytes();
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
            let altered = String::from_utf8_lossy(&bytes).into_owned();
            proptest::prop_assert_eq!(keys.open(&altered, at(0)), None);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,80}", parts in "[A-Za-z0-9_-]{0,9}(\\.[A-Za-z0-9_-]{0,40}){4}") {
            let keys = ring(SECRET, SESSION);
            proptest::prop_assert_eq!(keys.open(&text, at(0)), None);
            proptest::prop_assert_eq!(keys.open(&parts, at(0)), None);
        }
    }
}
