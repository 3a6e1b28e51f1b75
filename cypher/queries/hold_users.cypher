// Make users that are not there, and hold all of them until the transaction ends: feedback of a user is written by one.
UNWIND $ids AS id
MERGE (user:User {user_id: id})
SET user.user_id = id
