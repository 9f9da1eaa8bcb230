//! Paths of CPH: those that it has not, those that are not offered, wrong methods.

use crate::site::{PROJECT, Site};

#[tokio::test]
async fn a_path_that_no_call_has_is_not_found() {
    let site = Site::empty().await;
    for target in [
        "/v1",
        "/v1/",
        "/v1/x/cloud-phone",
        "/v1/x/cloud-phone/nothing",
        "/v2/x",
        "/v2.1/",
        "/v3/users",
    ] {
        for method in ["GET", "POST"] {
            let message = site.unsigned(method, target).await.refused(404, "APIGW.0101");
            assert_eq!(
                message,
                "The API does not exist or has not been published in the environment."
            );
        }
    }
    for target in ["/v1/x/cloud-phone/jobs/", "/v1/x/cloud-phone/phones/a/b"] {
        site.unsigned("GET", target).await.refused(404, "APIGW.0101");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_apart() {
    let site = Site::empty().await;
    for (method, rest) in [
        ("GET", "phones/batch-update-property"),
        ("PUT", "phones/batch-update-property"),
        ("POST", "jobs"),
        ("DELETE", "jobs/1"),
        ("POST", "phones/1"),
        ("GET", "phones/batch-restart"),
        ("GET", "phones/batch-stop"),
        ("POST", "phones"),
        ("DELETE", "phones/1"),
        ("POST", "servers"),
        ("DELETE", "servers/1"),
        ("POST", "phone-models"),
        ("PUT", "phone-images"),
    ] {
        let target = format!("/v1/{PROJECT}/cloud-phone/{rest}");
        let message = site.unsigned(method, &target).await.refused(404, "APIGW.0101");
        assert_eq!(message, "The API does not exist.", "{method} {rest}");
    }
    for (method, target) in [
        ("GET", "/v3/auth/tokens"),
        ("POST", "/v3/projects"),
        ("PUT", "/v1/x/cph-server/1/tags"),
        ("GET", "/v1/x/cph-server/1/tags/action"),
    ] {
        let message = site.unsigned(method, target).await.refused(404, "APIGW.0101");
        assert_eq!(message, "The API does not exist.", "{method} {target}");
    }
}

#[tokio::test]
async fn a_documented_call_that_is_not_offered_says_so() {
    let site = Site::empty().await;
    for (method, target, name) in [
        ("POST", "/v1/x/cloud-phone/phones/sync-commands", "RunSyncCommand"),
        ("POST", "/v1/x/cloud-phone/phones/commands", "RunShellCommand"),
        ("POST", "/v1/x/cloud-phone/servers/batch-restart", "RestartCloudPhoneServer"),
        ("GET", "/v1/x/cloud-phone/images", "ListImages"),
        ("GET", "/v1/x/cloud-phone/bandwidths", "ListCloudPhoneBandwidths"),
        ("POST", "/v2/x/cloud-phone/servers", "CreateNet2CloudPhoneServer"),
        ("POST", "/v2.1/x/cloud-phone/servers", "CreateCloudPhoneSingleServer"),
    ] {
        let message = site.unsigned(method, target).await.refused(501, "FLEETWRIGHT.0501");
        assert_eq!(message, format!("This server does not offer {name}."));
    }
}
