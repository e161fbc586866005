require "spec.crash.receiver"
