import type { Guide } from 'healthz'

export const guide: Guide = {
  example: `- story: mysql
  name: mysql-shop
  every: 1m
  with:
    url: mysql://db-1:3306
    user: healthz
    password: \${file:/run/secrets/mysql}
    expect: writable
    ignoreUsers: [backup]
    queries:
      - { name: unpaid orders, sql: select count(*) from shop.orders where paid = 0, warn: '> 100' }
`,
  rights: `-- MariaDB 10.5 and later
CREATE USER healthz@'%' IDENTIFIED BY 'PASSWORD' WITH MAX_USER_CONNECTIONS 3;
GRANT PROCESS, SLAVE MONITOR ON *.* TO healthz@'%';
-- MySQL 8
CREATE USER healthz@'%' IDENTIFIED BY 'PASSWORD' WITH MAX_USER_CONNECTIONS 3;
GRANT PROCESS, REPLICATION CLIENT ON *.* TO healthz@'%';
GRANT SELECT ON performance_schema.data_lock_waits TO healthz@'%';
-- for auto-increment, table-size and your own queries, on each database to be watched
GRANT SELECT ON shop.* TO healthz@'%';
-- for the cures that you allow: MariaDB, then MySQL 8
GRANT CONNECTION ADMIN, REPLICATION SLAVE ADMIN ON *.* TO healthz@'%';
GRANT CONNECTION_ADMIN, REPLICATION_SLAVE_ADMIN ON *.* TO healthz@'%';
`,
}
