//! Scenario files and their runner: what a client sees.
