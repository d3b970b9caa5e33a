//! Renewals against a strict server in memory that rotates refresh tokens.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use postrider_model::Timestamp;
use secrecy::ExposeSecret;

use super::*;
use crate::{
    MemoryTokenStore,
    peer::{Counting, Peer, Ticking},
};

/// A store that fails when told, and counts.
#[derive(Default)]
struct Store {
    inner: MemoryTokenStore,
    fails: AtomicBool,
    locks: AtomicU32,
}

#[async_trait]
impl TokenStore for Store {
    async fn lock(&self) -> Result<TokenLock> {
        self.locks.fetch_add(1, Ordering::SeqCst);
        self.inner.lock().await
    }

    async fn load(&self) -> Result<Option<Kept>> {
        self.inner.load().await
    }

    async fn replace(&self, seen: Option<u64>, new: &StoredTokens) -> Result<bool> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(Fault::new(ErrorClass::Transient, "write the tokens", "the disk is full"));
        }
        self.inner.replace(seen, new).await
    }
}

fn tokens(refresh: Option<&str>, life_s: i64) -> StoredTokens {
    let now = Ticking::new().now();
    StoredTokens {
        access: "access-token-0000".into(),
        refresh: refresh.map(SecretString::from),
        obtained_at: Timestamp(now.0 - 1_000_000_000),
        expires_at: Some(Timestamp::from_seconds(now.seconds() + life_s)),
        scopes: Vec::new(),
        dead: false,
    }
}

struct Setting {
    peer: Arc<Peer>,
    store: Arc<Store>,
    service: TokenService,
}

impl Setting {
    /// With an access token that ends in so many seconds, and a good refresh token.
    fn new(life_s: i64) -> Self {
        let peer = Peer::new();
        let kept = tokens(Some(&peer.grant()), life_s);
        Self::with(peer, MemoryTokenStore::with(kept))
    }

    fn with(peer: Arc<Peer>, inner: MemoryTokenStore) -> Self {
        let store = Arc::new(Store { inner, ..Store::default() });
        let service = service(&peer, store.clone());
        Self { peer, store, service }
    }

    async fn kept(&self) -> Kept {
        self.store.load().await.unwrap().unwrap()
    }

    fn renewals(&self) -> usize {
        self.peer.asked().len()
    }
}

/// As one of several processes has it.
fn service(peer: &Arc<Peer>, store: Arc<dyn TokenStore>) -> TokenService {
    let client = peer.client(Peer::settings());
    TokenService::new("work", client, store, Ticking::new(), Arc::new(Counting::default()))
}

fn shown(token: Result<SecretString>) -> String {
    match token {
        Ok(token) => token.expose_secret().to_owned(),
        Err(fault) => format!("{:?}: {}", fault.class, fault.cause),
    }
}

#[tokio::test(start_paused = true)]
async fn a_good_token_is_given_without_asking_anyone() {
    let setting = Setting::new(61);
    for _ in 0..3 {
        assert_eq!(shown(setting.service.token().await), "access-token-0000");
    }
    assert_eq!((setting.renewals(), setting.store.locks.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_token_in_its_last_minute_is_renewed_once_for_all() {
    let setting = Setting::new(60);
    setting.peer.book().delay = Duration::from_secs(3);
    let calls = (0..20).map(|_| setting.service.token());
    let given: Vec<String> = futures_util::future::join_all(calls).await.into_iter().map(shown).collect();
    assert_eq!(given, ["access-token-0002"; 20]);
    assert_eq!(setting.renewals(), 1);
    let kept = setting.kept().await;
    assert_eq!(kept.tokens.refresh.unwrap().expose_secret(), "refresh-token-0002");
    tokio::time::advance(Duration::from_secs(3_541)).await;
    assert_eq!(shown(setting.service.token().await), "access-token-0003");
    assert_eq!((setting.renewals(), setting.peer.book().violations.len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn two_processes_that_renew_at_once_send_one_refresh_token() {
    let setting = Setting::new(0);
    setting.peer.book().delay = Duration::from_secs(3);
    let others: Vec<_> = (0..4).map(|_| service(&setting.peer, setting.store.clone())).collect();
    let calls = others.iter().chain([&setting.service]).map(TokenService::token);
    let given: Vec<String> = futures_util::future::join_all(calls).await.into_iter().map(shown).collect();
    assert_eq!(given, ["access-token-0002"; 5]);
    assert_eq!((setting.renewals(), setting.peer.book().violations.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gives_no_new_refresh_token_leaves_the_old_one() {
    let setting = Setting::new(0);
    {
        let mut book = setting.peer.book();
        (book.rotates, book.life_s) = (false, None);
    }
    setting.service.token().await.unwrap();
    let first = setting.kept().await.tokens;
    assert_eq!(first.expires_at, None);
    let refused = first.access.clone();
    assert_eq!(shown(setting.service.after_refusal(&refused).await), "access-token-0003");
    let second = setting.kept().await.tokens;
    assert_eq!(second.refresh.unwrap().expose_secret(), first.refresh.unwrap().expose_secret());
}

#[tokio::test(start_paused = true)]
async fn a_dead_refresh_token_is_never_sent_again() {
    let setting = Setting::new(0);
    setting.peer.revoke_all();
    let fault = setting.service.token().await.unwrap_err();
    assert_eq!(
        (fault.class, fault.message()),
        (
            ErrorClass::Login,
            "cannot renew the access token at localhost: the server answered invalid_grant: revoked"
                .to_owned()
        )
    );
    assert_eq!(fault.hint.as_deref(), Some("consent anew by `postrider account login work`"));
    assert!(setting.kept().await.tokens.dead);
    let other = service(&setting.peer, setting.store.clone());
    for service in [&setting.service, &other] {
        let said = shown(service.token().await);
        assert_eq!(said, "Login: the provider no longer accepts the consent");
        let refused = SecretString::from("access-token-0000");
        assert_eq!(shown(service.after_refusal(&refused).await), said);
    }
    assert_eq!(setting.renewals(), 1);
    // A new consent by another process, and all is well.
    let seen = setting.kept().await.generation;
    let new =
        StoredTokens { access: "access-token-new!".into(), ..tokens(Some(&setting.peer.grant()), 3_600) };
    assert!(setting.store.replace(Some(seen), &new).await.unwrap());
    for service in [&setting.service, &other] {
        assert_eq!(shown(service.token().await), "access-token-new!");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_consent_gives_no_token_that_has_time_left() {
    let setting = Setting::new(3_600);
    let first = setting.service.token().await.unwrap();
    setting.peer.revoke_all();
    let said = shown(setting.service.after_refusal(&first).await);
    assert_eq!(said, "Login: the server answered invalid_grant: revoked");
    for service in [&setting.service, &service(&setting.peer, setting.store.clone())] {
        assert_eq!(shown(service.token().await), "Login: the provider no longer accepts the consent");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_given_again_while_its_successor_waits_to_be_stored() {
    let setting = Setting::new(3_600);
    let first = setting.service.token().await.unwrap();
    setting.store.fails.store(true, Ordering::SeqCst);
    assert_eq!(shown(setting.service.after_refusal(&first).await), "Transient: the disk is full");
    assert_eq!(shown(setting.service.token().await), "Transient: the disk is full");
    setting.store.fails.store(false, Ordering::SeqCst);
    assert_eq!(shown(setting.service.token().await), "access-token-0002");
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_while_trouble_lasts() {
    let setting = Setting::new(0);
    for (failures, least_ms, most_ms) in [(1, 2_500, 5_000), (2, 5_000, 10_000), (3, 10_000, 20_000)] {
        setting.peer.book().instead.push_back((500, "", ""));
        setting.service.token().await.unwrap_err();
        let pause_ms = setting.service.token().await.unwrap_err().retry_after_ms.unwrap();
        assert!(pause_ms + 1 >= least_ms && pause_ms <= most_ms, "{failures}: {pause_ms}");
        assert_eq!(setting.renewals(), failures);
        tokio::time::advance(Duration::from_millis(pause_ms + 1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_death_that_cannot_be_noted_still_holds_for_this_process() {
    let setting = Setting::new(0);
    setting.peer.revoke_all();
    setting.store.fails.store(true, Ordering::SeqCst);
    assert_eq!(shown(setting.service.token().await), "Transient: the disk is full");
    for _ in 0..3 {
        assert_eq!(shown(setting.service.token().await), "Login: the server answered invalid_grant: revoked");
    }
    assert_eq!(setting.renewals(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_is_given_a_pause_and_kills_nothing() {
    let table = [
        (500, "", "{\"error\":\"invalid_grant\"}", ErrorClass::Transient, 2_500),
        (429, "retry-after: 100", "", ErrorClass::Throttled, 100_000),
        (401, "content-type: application/json", "{\"error\":\"invalid_client\"}", ErrorClass::Config, 2_500),
        (200, "content-type: text/html", "<p>maintenance", ErrorClass::Permanent, 2_500),
    ];
    for (status, head, body, class, least_ms) in table {
        let setting = Setting::new(0);
        setting.peer.book().instead.push_back((status, head, body));
        let fault = setting.service.token().await.unwrap_err();
        assert_eq!(fault.class, class);
        assert!(!setting.kept().await.tokens.dead);
        let again = setting.service.token().await.unwrap_err();
        assert_eq!((again.class, &again.cause, setting.renewals()), (fault.class, &fault.cause, 1));
        assert!(again.retry_after_ms.is_some_and(|pause| pause + 1 >= least_ms), "{again:?}");
        tokio::time::advance(Duration::from_millis(again.retry_after_ms.unwrap() + 1)).await;
        assert_eq!(shown(setting.service.token().await), "access-token-0002", "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_consent_is_not_made_to_wait_for_the_old_ones_pause() {
    let setting = Setting::new(0);
    setting.peer.book().instead.push_back((500, "", ""));
    setting.service.token().await.unwrap_err();
    let seen = setting.kept().await.generation;
    let new = tokens(Some(&setting.peer.grant()), 0);
    assert!(setting.store.replace(Some(seen), &new).await.unwrap());
    assert!(shown(setting.service.token().await).starts_with("access-token-"));
}

#[tokio::test(start_paused = true)]
async fn a_renewed_token_is_given_to_nobody_before_it_is_stored() {
    let setting = Setting::new(0);
    setting.store.fails.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(shown(setting.service.token().await), "Transient: the disk is full");
    }
    assert_eq!(setting.renewals(), 1, "the new refresh token is kept back, the old one not sent again");
    setting.store.fails.store(false, Ordering::SeqCst);
    assert_eq!(shown(setting.service.token().await), "access-token-0002");
    assert_eq!(setting.kept().await.tokens.refresh.unwrap().expose_secret(), "refresh-token-0002");
    assert_eq!((setting.renewals(), setting.peer.book().violations.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_does_not_take_the_renewal_along() {
    let setting = Setting::new(0);
    setting.peer.book().delay = Duration::from_secs(3);
    timeout(Duration::from_secs(1), setting.service.token()).await.expect_err("it is still on its way");
    setting.service.settle().await.unwrap();
    assert_eq!(setting.kept().await.tokens.refresh.unwrap().expose_secret(), "refresh-token-0002");
    assert_eq!(shown(setting.service.token().await), "access-token-0002");
    assert_eq!(setting.renewals(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_and_then_a_person_is_asked_for() {
    let setting = Setting::new(3_600);
    let first = setting.service.token().await.unwrap();
    let second = setting.service.after_refusal(&first).await.unwrap();
    assert_eq!(second.expose_secret(), "access-token-0002");
    // Others who were refused with the first get the second without another renewal.
    assert_eq!(shown(setting.service.after_refusal(&first).await), "access-token-0002");
    assert_eq!(setting.renewals(), 1);
    for _ in 0..2 {
        let said = shown(setting.service.after_refusal(&second).await);
        assert_eq!(said, "Login: the server refuses the renewed token too");
    }
    assert_eq!(setting.renewals(), 1);
    // Later it may be another reason: servers that do not say how long a token lives refuse it in the end.
    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(shown(setting.service.after_refusal(&second).await), "access-token-0003");
}

#[tokio::test(start_paused = true)]
async fn a_new_consent_is_renewed_though_the_last_one_was_refused_twice() {
    let setting = Setting::new(3_600);
    let first = setting.service.token().await.unwrap();
    let second = setting.service.after_refusal(&first).await.unwrap();
    setting.service.after_refusal(&second).await.unwrap_err();
    let seen = setting.kept().await.generation;
    let new = StoredTokens { access: "access-token-new!".into(), ..tokens(Some(&setting.peer.grant()), 0) };
    assert!(setting.store.replace(Some(seen), &new).await.unwrap());
    assert_eq!(shown(setting.service.after_refusal(&second).await), "access-token-0004");
}

#[tokio::test(start_paused = true)]
async fn without_consent_or_refresh_token_nobody_is_asked() {
    let setting = Setting::with(Peer::new(), MemoryTokenStore::default());
    assert_eq!(shown(setting.service.token().await), "Login: nobody has consented for it yet");
    let setting = Setting::with(Peer::new(), MemoryTokenStore::with(tokens(None, 0)));
    assert_eq!(
        shown(setting.service.token().await),
        "Login: the access token is over, and there is no refresh token"
    );
    assert_eq!(setting.renewals(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_disconnected_meanwhile_gets_no_token_back() {
    let setting = Setting::new(0);
    setting.peer.book().delay = Duration::from_secs(3);
    let disconnect = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        setting.store.inner.clear();
    };
    let (token, ()) = tokio::join!(setting.service.token(), disconnect);
    assert_eq!(shown(token), "Login: nobody has consented for it yet");
    assert!(setting.store.load().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn tokens_of_no_length_are_not_renewed_in_circles() {
    let setting = Setting::new(0);
    setting.peer.book().life_s = Some(0);
    assert_eq!(shown(setting.service.token().await), "access-token-0002");
    assert_eq!(setting.renewals(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_id_token_that_is_not_usable_costs_no_renewal() {
    let setting = Setting::new(0);
    setting.peer.book().id_token = Some("{\"aud\":\"somebody else\"}");
    assert_eq!(shown(setting.service.token().await), "access-token-0002");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_hangs_with_the_lock_is_told_of() {
    let setting = Setting::new(0);
    let _held = setting.store.inner.lock().await.unwrap();
    assert_eq!(
        shown(setting.service.token().await),
        "Busy: another process has held the account's tokens for 120 s"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_is_in_its_printed_form() {
    let setting = Setting::new(0);
    setting.service.token().await.unwrap();
    let shown = format!("{:?} {:?}", setting.service, setting.kept().await);
    assert!(shown.contains("work") && !shown.contains("-token-"), "{shown}");
}
