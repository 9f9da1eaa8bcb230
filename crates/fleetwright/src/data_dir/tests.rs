use engine::SystemEntropy;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn directory() -> (tempfile::TempDir, DataDir) {
    let parent = tempfile::tempdir().unwrap();
    let data = DataDir::open(&parent.path().join("a/data")).unwrap();
    (parent, data)
}

/// The host key, made if there is none.
fn host_key(
    data: &DataDir,
    master: &MasterKey,
    make: impl FnOnce() -> Result<HostKey, HostKeyError>,
) -> Result<HostKey, Error> {
    let sealed = data.sealed_host_key(master, &SystemEntropy, make)?;
    data.open_host_key(master, &sealed)
}

#[test]
fn the_first_start_makes_files_for_their_owner_alone_and_the_next_reads_them() {
    let (_parent, data) = directory();
    assert_eq!(mode(&data.path), 0o700);
    let key = data.master_key(true, &SystemEntropy).unwrap();
    let token = data.admin_token(&SystemEntropy).unwrap();
    let host = host_key(&data, &key, HostKey::generate).unwrap();
    for file in ["master-key", "admin-token", "adb-host-key"] {
        assert_eq!(mode(&data.path.join(file)), 0o600, "{file}");
    }
    assert!(token.expose().len() >= 64);

    let again = DataDir::open(&data.path).unwrap();
    let same = again.master_key(false, &SystemEntropy).unwrap();
    assert_eq!(same.id(), key.id());
    assert_eq!(again.admin_token(&SystemEntropy).unwrap().expose(), token.expose());
    let unasked = || panic!("it exists");
    let host_again = host_key(&again, &same, unasked).unwrap();
    assert_eq!(host_again.public_line(), host.public_line());
    again.publish_host_key(&host_again).unwrap();
    let published = fs::read_to_string(data.path.join("adb-host-key.pub")).unwrap();
    assert_eq!(published, format!("{}\n", host.public_line()));
    let left: Vec<_> = fs::read_dir(&data.path).unwrap().collect();
    assert_eq!(left.len(), 4, "nothing else is left: {left:?}");
}

#[test]
fn the_host_key_is_not_in_its_file() {
    let (_parent, data) = directory();
    let key = data.master_key(true, &SystemEntropy).unwrap();
    host_key(&data, &key, HostKey::generate).unwrap();
    let text = fs::read_to_string(data.path.join("adb-host-key")).unwrap();
    let bytes = hex::decode(text.trim()).unwrap();
    assert!(!bytes.windows(11).any(|window| window == b"PRIVATE KEY"));
    let other = MasterKey::from_bytes([7; 32]);
    let error = host_key(&data, &other, HostKey::generate).unwrap_err();
    assert!(matches!(error, Error::Seal { source: SealError::WrongKey { .. }, .. }), "{error:?}");
}

#[test]
fn a_file_that_others_may_read_is_refused_in_words() {
    let (_parent, data) = directory();
    data.admin_token(&SystemEntropy).unwrap();
    let path = data.path.join("admin-token");
    for open in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
        let error = data.admin_token(&SystemEntropy).unwrap_err().to_string();
        assert!(error.contains(&format!("mode {open:04o}")), "{error}");
        assert!(error.ends_with(&format!("chmod 600 {}", path.display())), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    data.admin_token(&SystemEntropy).unwrap();
}

#[test]
fn a_master_key_is_not_made_beside_a_database_of_another() {
    let (_parent, data) = directory();
    let error = data.master_key(false, &SystemEntropy).unwrap_err();
    assert!(matches!(error, Error::MasterKeyMissing { .. }), "{error}");
    // Nobody is to give up a fleet's records for it.
    assert!(error.to_string().ends_with("docs/operate/lost-key.md"), "{error}");
    assert!(!data.path.join("master-key").exists());
}

#[test]
fn a_directory_has_one_id_and_a_damaged_one_is_refused() {
    let (_parent, data) = directory();
    let id = data.node_id(&SystemEntropy).unwrap();
    assert_eq!((id.len(), data.node_id(&SystemEntropy).unwrap()), (32, id.clone()));
    let (_other_parent, other) = directory();
    assert_ne!(other.node_id(&SystemEntropy).unwrap(), id);
    fs::remove_file(data.path.join("node-id")).unwrap();
    write_secret(&data.path.join("node-id"), &Secret::new("x".repeat(32))).unwrap();
    assert!(matches!(data.node_id(&SystemEntropy), Err(Error::Content { .. })));
}

#[test]
fn who_joins_others_is_told_what_to_bring() {
    let (_parent, data) = directory();
    let error = data.check_joined().unwrap_err().to_string();
    assert!(error.contains("has no master-key and no admin-token: copy master-key and"), "{error}");
    data.master_key(true, &SystemEntropy).unwrap();
    let error = data.check_joined().unwrap_err().to_string();
    assert!(error.contains("has no admin-token: copy"), "{error}");
    data.admin_token(&SystemEntropy).unwrap();
    data.check_joined().unwrap();
}

#[test]
fn damaged_files_are_refused_without_being_quoted() {
    let (_parent, data) = directory();
    write_secret(&data.path.join("master-key"), &Secret::new("secret-no-hex".into())).unwrap();
    let error = data.master_key(false, &SystemEntropy).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("secret-no-hex"));
    write_secret(&data.path.join("admin-token"), &Secret::new("short".into())).unwrap();
    assert!(data.admin_token(&SystemEntropy).is_err());
}

#[test]
fn the_next_key_stands_beside_the_master_key_until_it_takes_its_place() {
    let (_parent, data) = directory();
    let old = data.master_key(true, &SystemEntropy).unwrap();
    let host = host_key(&data, &old, HostKey::generate).unwrap();
    assert!(data.master_keys(false, &SystemEntropy).unwrap().next.is_none());
    let new = data.next_key(&SystemEntropy).unwrap();
    assert_eq!(mode(&data.path.join("master-key.new")), 0o600);
    assert_eq!(data.next_key(&SystemEntropy).unwrap().id(), new.id(), "it is made once");
    let keys = data.master_keys(false, &SystemEntropy).unwrap();
    assert_eq!((keys.own.id(), keys.next.unwrap().id()), (old.id(), new.id()));

    for _ in 0..2 {
        data.reseal_host_key(&old, &new, &SystemEntropy).unwrap();
        let unasked = || panic!("it exists");
        assert_eq!(host_key(&data, &new, unasked).unwrap().public_line(), host.public_line());
        assert_eq!(mode(&data.path.join("adb-host-key")), 0o600);
    }
    data.adopt_next_key().unwrap();
    let keys = data.master_keys(false, &SystemEntropy).unwrap();
    assert_eq!((keys.own.id(), keys.next.is_none()), (new.id(), true));
    let left: Vec<_> = fs::read_dir(&data.path).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing else is left: {left:?}");
}

#[test]
fn the_old_key_is_kept_where_there_is_nothing_else() {
    let (parent, data) = directory();
    let kept = parent.path().join("old");
    let error = data.keep_master_key(&kept).unwrap_err();
    assert!(matches!(error, Error::MasterKeyMissing { .. }), "{error}");
    data.master_key(true, &SystemEntropy).unwrap();
    for _ in 0..2 {
        data.keep_master_key(&kept).unwrap();
    }
    assert_eq!(mode(&kept), 0o600);
    assert_eq!(fs::read(&kept).unwrap(), fs::read(data.path.join("master-key")).unwrap());
    let other = parent.path().join("other");
    write_secret(&other, &Secret::new("another".to_owned())).unwrap();
    let error = data.keep_master_key(&other).unwrap_err();
    assert!(matches!(error, Error::NotTheOldKey { .. }), "{error}");
}
