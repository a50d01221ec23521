// Suites whose cases are functions: `node SUITE CASE` runs one of them. Exit code 0 means that the case holds.
"use strict";

exports.runCase = (cases) =>
  cases[process.argv[2]]().then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
