--- Responses to the request for a webhook, from which its secret is read.

local errors = require "apivideo.error"

local lookups = { ids = { A = "webhook_A", B = "webhook_B" } }

function lookups.found(id) return { webhookId = id, signatureSecret = "sig_sec_" .. id } end

function lookups.missing() return nil, errors.new("not_found", "no", { status = 404 }) end

function lookups.broken() return nil, errors.new("network", "away") end

return lookups
