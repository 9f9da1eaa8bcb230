//! What is in a database from before it was refused.

use super::server::Server;
use crate::conformance::namesakes::{PLANT, each_is_meant_by_exactly_its_name, prepare};

#[tokio::test]
async fn users_whose_names_differ_in_case_alone_stay_as_they_are() {
    let server = Server::start(&[]).await;
    let store = server.open("fleet").await;
    prepare(&store).await;
    server.sql("fleet", PLANT).await;
    each_is_meant_by_exactly_its_name(&store).await;
    store.close().await;
}
