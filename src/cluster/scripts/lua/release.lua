-- Gives seats up, those that this session was granted with the epoch `up to` or one before; whether it is over does
-- not matter.
-- Arguments: 5 key, 6 session, 7 up to, then the seats. Returns `done`.

local key, session, up_to = ARGV[5], ARGV[6], tonumber(ARGV[7])
local has_released = false
for i = 8, #ARGV do
  local spell = redis.call('HGET', OWN, ARGV[i])
  spell = spell and parse_spell(spell)
  if spell and is_spent(spell, key, session, up_to) then
    redis.call('HDEL', OWN, ARGV[i])
    has_released = true
  end
end
if has_released then hint('released') end
return finish({ 'done' })
