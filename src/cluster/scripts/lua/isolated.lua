-- Keeps the report of a member that cannot reach this Redis itself.
-- Keys: 1 iso. Arguments: 1 name, 2 fault.

redis.call('HSET', KEYS[1], ARGV[1], whole(wall_time()) .. '|' .. ARGV[2])
return 'OK'
