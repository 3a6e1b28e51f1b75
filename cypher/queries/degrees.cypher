// How many relationships nodes of one label have: a piece of `degrees_of`.
UNWIND range(0, size(<IDS>) - 1) AS place
MATCH (near:<NEAR> {<NEAR_ID>: <IDS>[place]})
RETURN place, COUNT { (near)<LEFT>[:<TYPES>]<RIGHT>() } AS degree
