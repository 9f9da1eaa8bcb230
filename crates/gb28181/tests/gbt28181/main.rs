//! GB/T 28181, clause by clause: what the standard, its amendment of 2014 and its revision of 2022
//! say, and what devices make of it. Clauses are those of GB/T 28181-2016 unless a test says else.

#[cfg(test)]
mod annex_a_2_1_types;
#[cfg(test)]
mod annex_a_2_3_control;
#[cfg(test)]
mod annex_a_2_4_query;
#[cfg(test)]
mod annex_a_2_5_notify;
#[cfg(test)]
mod annex_a_2_6_response;
#[cfg(test)]
mod annex_a_any_command;
#[cfg(test)]
mod annex_a_hostile_bodies;
#[cfg(test)]
mod annex_d_codes;
#[cfg(test)]
mod clause_6_10_charset;
#[cfg(test)]
mod clause_9_5_catalog;
#[cfg(test)]
mod example;
