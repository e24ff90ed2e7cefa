//! What has to happen in one step, in Lua.
//!
//! Numbers and lists are written by hand: the library that Redis has for JSON writes an empty list as `{}`, and large numbers as it likes.

use redis::Script;

/// `index` writes the list and the set of a user's sessions anew: what either has, and what is added, as far as its entry is there.
const INDEX: &str = r#"
local function listed(list, set)
  local found, order = {}, {}
  local function add(token, expires)
    expires = tonumber(expires)
    if type(token) ~= 'string' or not expires then return end
    if not found[token] then order[#order + 1] = token end
    if not found[token] or found[token] < expires then found[token] = expires end
  end
  local text = redis.call('GET', list)
  local readable, decoded = pcall(cjson.decode, text or '[]')
  if readable and type(decoded) == 'table' then
    for _, one in ipairs(decoded) do if type(one) == 'table' then add(one.token, one.expiresAt) end end
  end
  local kept = redis.call('ZRANGE', set, 0, -1, 'WITHSCORES')
  for i = 1, #kept, 2 do add(kept[i], kept[i + 1]) end
  return order, found, readable
end
local function index(list, set, prefix, now, token, expires)
  local order, found = listed(list, set)
  if token then
    if not found[token] then order[#order + 1] = token end
    found[token] = expires
  end
  local alive = {}
  for place, one in ipairs(order) do
    if found[one] > now and redis.call('EXISTS', prefix .. one) == 1 then
      alive[#alive + 1] = {one, found[one], place}
    end
  end
  redis.call('DEL', set)
  if #alive == 0 then redis.call('DEL', list) return end
  table.sort(alive, function(a, b) if a[2] == b[2] then return a[3] < b[3] end return a[2] < b[2] end)
  local texts = {}
  for i, one in ipairs(alive) do
    local name = string.gsub(cjson.encode(one[1]), '\\/', '/')
    texts[i] = '{"token":' .. name .. ',"expiresAt":' .. string.format('%.0f', one[2]) .. '}'
    redis.call('ZADD', set, string.format('%.0f', one[2]), one[1])
  end
  local left = string.format('%.0f', math.max(1, alive[#alive][2] - now))
  redis.call('SET', list, '[' .. table.concat(texts, ',') .. ']', 'PX', left)
  redis.call('PEXPIRE', set, left)
end
"#;

pub(crate) struct Scripts {
    /// A user and its mark, each if there is one, and an entry, as lines of one text: a list takes its reader twice as long. Read-only, so that the
    /// keys it reads are tracked.
    pub(crate) look_up: Script,
    pub(crate) begin: Script,
    pub(crate) replace: Script,
    pub(crate) replace_user: Script,
    pub(crate) revoke: Script,
    pub(crate) revoke_all: Script,
    pub(crate) list: Script,
    pub(crate) take: Script,
    pub(crate) count: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let indexing = |code: &str| Script::new(&format!("{INDEX}{code}"));
        Self {
            look_up: Script::new(
                r#"
local entry = redis.call('GET', KEYS[1])
if not entry then return false end
local user = string.match(entry, '"userId":"([^"\\]*)"')
if not user then return '\n\n' .. entry end
local mark = redis.call('GET', ARGV[1] .. user)
return user .. '\n' .. (mark and '=' .. mark or '') .. '\n' .. entry
"#,
            ),
            begin: indexing(
                r"
if (redis.call('GET', KEYS[4]) or '') ~= ARGV[1] then return 1 end
if tonumber(ARGV[3]) <= 0 then return 0 end
if not redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3], 'NX') then return 2 end
index(KEYS[2], KEYS[3], ARGV[7], tonumber(ARGV[6]), ARGV[4], tonumber(ARGV[5]))
return 0
",
            ),
            replace: indexing(
                r"
local entry = redis.call('GET', KEYS[1])
if not entry then return 0 end
if entry ~= ARGV[1] then return 2 end
if tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) else redis.call('DEL', KEYS[1]) end
index(KEYS[2], KEYS[3], ARGV[7], tonumber(ARGV[6]), ARGV[4], tonumber(ARGV[5]))
return 1
",
            ),
            replace_user: Script::new(
                r"
local entry = redis.call('GET', KEYS[1])
if not entry then return 0 end
if entry ~= ARGV[1] then return 2 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
",
            ),
            revoke: indexing(
                r"
local ended, users = 0, {}
for i, key in ipairs(KEYS) do
  local entry = redis.call('GET', key)
  if entry then
    ended = ended + redis.call('DEL', key)
    local readable, decoded = pcall(cjson.decode, entry)
    local session = readable and type(decoded) == 'table' and decoded.session
    if type(session) == 'table' and type(session.userId) == 'string' then users[session.userId] = true end
  end
end
for user in pairs(users) do index(ARGV[2] .. user, ARGV[3] .. user, ARGV[4], tonumber(ARGV[1])) end
return ended
",
            ),
            revoke_all: indexing(
                r"
local before = tonumber(redis.call('GET', KEYS[3]) or '0') or 0
local mark = string.format('%.0f', math.max(tonumber(ARGV[1]), before + 1))
redis.call('SET', KEYS[3], mark, 'PX', ARGV[2])
local ended = 0
for _, token in ipairs((listed(KEYS[1], KEYS[2]))) do ended = ended + redis.call('DEL', ARGV[3] .. token) end
redis.call('DEL', KEYS[1], KEYS[2])
return {ended, mark}
",
            ),
            list: indexing(
                r"
local order, found, readable = listed(KEYS[1], KEYS[2])
if not readable then return redis.error_reply('CORRUPT the list of sessions is no JSON') end
table.sort(order, function(a, b) if found[a] == found[b] then return a < b end return found[a] < found[b] end)
local entries = {}
for _, token in ipairs(order) do
  local entry = found[token] > tonumber(ARGV[1]) and redis.call('GET', ARGV[2] .. token)
  if entry then entries[#entries + 1] = token entries[#entries + 1] = entry end
end
return entries
",
            ),
            take: Script::new(
                "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
            ),
            count: Script::new(
                r"
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}
",
            ),
        }
    }
}
