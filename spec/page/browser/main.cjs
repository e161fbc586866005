// Runs the tests of make check-page, and prints their number.
"use strict";
const { runAll } = require("./harness.cjs");

for (const name of ["deliveries", "inbox", "hostile", "narrow", "speed", "outages", "access"]) require("./" + name + ".cjs");
runAll();
