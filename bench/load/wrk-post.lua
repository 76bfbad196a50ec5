-- Posts distinct events. argv: path, body template, number of mailboxes. %d in the path is replaced by the request number.
-- The requests are built before the measurement: on a small machine the load generator must not take CPU from the server.
local made = {}
local n = 0

function init(args)
  local path, template, mailboxes = args[1], args[2], tonumber(args[3])
  local headers = { ['content-type'] = 'application/json' }
  for i = 1, 10000 do
    local mailbox = i % mailboxes
    made[i] = wrk.format('POST', (string.gsub(path, '%%d', i)), headers, string.format(template, 'campaign.updated', mailbox, i, mailbox))
  end
end

function request()
  n = n % #made + 1
  return made[n]
end
