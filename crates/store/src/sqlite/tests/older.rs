//! What is in a database from before it was refused.

use super::opened::{Opened, execute};
use crate::conformance::namesakes::{PLANT, each_is_meant_by_exactly_its_name, prepare};

#[tokio::test]
async fn users_whose_names_differ_in_case_alone_stay_as_they_are() {
    let opened = Opened::fresh();
    prepare(&*opened).await;
    let directory = opened.drop_store();
    execute(directory.path(), PLANT);
    each_is_meant_by_exactly_its_name(&*Opened::with(directory, |_| {})).await;
}
