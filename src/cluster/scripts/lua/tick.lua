-- A heartbeat: the session goes on for a lease. Whoever beats also buries sessions that are over.
-- Arguments: 5 key, 6 session, 7 generation, 8 floor, 9 known version, 10 spent, 11 vitals, 12 info.
-- Returns a heartbeat, or `generation` or `session`.

local key, session, floor = ARGV[5], ARGV[6], tonumber(ARGV[8])
local spent, vitals, info = tonumber(ARGV[10]), ARGV[11], ARGV[12]
if ARGV[7] ~= control.generation then return refused('generation') end
control.epoch = math.max(control.epoch, floor)

local dead = redis.call('ZRANGEBYSCORE', MEM, '-inf', whole(control.clock), 'LIMIT', 0, 32)
for _, other in ipairs(dead) do
  local member = member_of(other)
  if member then
    local said = cjson.decode(member.info)
    -- Who was leaving has taken leave.
    if member.state ~= 'leaving' then
      redis.call('HSET', LOST, said.name, whole(wall) .. '|' .. tostring(said.host))
    end
    forget(other, member)
  else
    redis.call('ZREM', MEM, other)
  end
end
if #dead > 0 then changed() end

if not is_live(control, MEM, NFO, key, session) then return refused('session') end
local member = member_of(key)
redis.call('ZADD', MEM, whole(control.clock + lease), key)

local is_due = member.state == 'joining' and member.active_at <= control.clock
local is_news = info ~= '' and info ~= member.info
if is_due then
  member.state = 'active'
  control.ring_version = control.ring_version + 1
end
if is_news then member.info = info end
if is_due or is_news then
  write_member(key, member)
  changed()
end

-- It has stopped leading, though no other request of it may have told so: another may lead.
local leading = redis.call('HGET', OWN, 'leader')
if leading and is_spent(parse_spell(leading), key, session, spent) then
  redis.call('HDEL', OWN, 'leader')
  hint('vacant')
end

if vitals ~= '' then redis.call('HSET', VIT, key, vitals) end
return beat('ticked', session, ARGV[9])
