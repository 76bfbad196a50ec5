-- Posts events that differ from each other: the path, the body's template and the number of mailboxes are in argv. For %d in
-- the path stands the number of the request.
-- They are made before the clock runs: on a small machine the load generator must not take the server's processor.
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
