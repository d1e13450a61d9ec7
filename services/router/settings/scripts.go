package settings

import "github.com/redis/go-redis/v9"

// The scripts compare what is stored with what the caller read, byte by byte, and write only if it is still the same. They
// answer one word. A script whose answer got lost may be sent a second time by the client: finding its own new value (which
// holds a random etag, so nobody else can have written it) it answers `ok` again.
//
// Every script reads all its keys before it writes any, and begins with a write that needs memory: an error Redis can raise
// (wrong type, out of memory) comes before the first change.
//
// A change of a team is announced in the same script. That it cannot be announced (the user may not publish) does not undo it:
// watchers also look for themselves.
const (
	verdictOK    = "ok"
	verdictStale = "stale"
	verdictTaken = "taken"
	verdictGone  = "gone"
	verdictFull  = "full"
)

// KEYS: team. ARGV: value read (empty: none), new value, channel, project.
var setTeam = redis.NewScript(`
local current = redis.call('GET', KEYS[1]) or ''
if current == ARGV[2] then return 'ok' end
if current ~= ARGV[1] then return 'stale' end
redis.call('SET', KEYS[1], ARGV[2])
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return 'ok'
`)

// It compares nothing: whatever is there goes, also what cannot be read.
//
// KEYS: team, links, members, saved replies. ARGV: new team, channel, project, the number of links, for each link its operator, its value and its member;
// then `replace` where the saved replies are to be replaced, and for each of them its id and its value.
var replaceAll = redis.NewScript(`
redis.call('SET', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2], KEYS[3])
local replies = 5 + 3 * tonumber(ARGV[4])
for i = 5, replies - 1, 3 do
	redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
	redis.call('HSET', KEYS[3], ARGV[i + 2], ARGV[i])
end
if ARGV[replies] == 'replace' then
	redis.call('DEL', KEYS[4])
	for i = replies + 1, #ARGV, 2 do redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1]) end
end
redis.pcall('PUBLISH', ARGV[2], ARGV[3])
return 'ok'
`)

// KEYS: links, members. ARGV: operator, value read (empty: none), new value, member read (empty: none), new member.
var setLink = redis.NewScript(`
local current = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local holder = redis.call('HGET', KEYS[2], ARGV[5])
local before = redis.call('HGET', KEYS[2], ARGV[4])
if current == ARGV[3] then return 'ok' end
if current ~= ARGV[2] then return 'stale' end
if holder and holder ~= ARGV[1] then return 'taken' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[5], ARGV[1])
if ARGV[4] ~= ARGV[5] and before == ARGV[1] then redis.call('HDEL', KEYS[2], ARGV[4]) end
return 'ok'
`)

// KEYS: links, members. ARGV: operator, value read, member read.
var deleteLink = redis.NewScript(`
local current = redis.call('HGET', KEYS[1], ARGV[1])
local holder = redis.call('HGET', KEYS[2], ARGV[3])
if not current then return 'gone' end
if current ~= ARGV[2] then return 'stale' end
redis.call('HDEL', KEYS[1], ARGV[1])
if holder == ARGV[1] then redis.call('HDEL', KEYS[2], ARGV[3]) end
return 'ok'
`)

// KEYS: saved replies. ARGV: id, value read (empty: none), new value, how many there may be.
var setSavedReply = redis.NewScript(`
local current = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if current == ARGV[3] then return 'ok' end
if current ~= ARGV[2] then return 'stale' end
if current == '' and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'ok'
`)

// KEYS: saved replies. ARGV: id, value read.
var deleteSavedReply = redis.NewScript(`
local current = redis.call('HGET', KEYS[1], ARGV[1])
if not current then return 'gone' end
if current ~= ARGV[2] then return 'stale' end
redis.call('HDEL', KEYS[1], ARGV[1])
return 'ok'
`)
