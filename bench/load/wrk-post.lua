-- Posts events that differ from each other: the path, the body's template and the number of mailboxes are in argv.
local path, template, mailboxes
local n = 0
local headers = { ['content-type'] = 'application/json' }

function init(args)
  path, template, mailboxes = args[1], args[2], tonumber(args[3])
end

function request()
  n = n + 1
  local mailbox = n % mailboxes
  return wrk.format('POST', path, headers, string.format(template, 'campaign.updated', mailbox, n, mailbox))
end
