-- Ends a session, and with it all its seats. What is gone already is gone: asking twice is no fault.
-- Arguments: 5 key, 6 session; 0 stands for whichever this key has. Returns `done`.

local key, session = ARGV[5], ARGV[6]
local member = member_of(key)
if member and (session == '0' or member.session == session) then
  forget(key, member)
  changed()
end
return finish({ 'done' })
