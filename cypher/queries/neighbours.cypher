// One step from many nodes of one label, to nodes of one label: a piece of `step`, with a hub passed over.
UNWIND range(0, size(<IDS>) - 1) AS source
MATCH (near:<NEAR> {<NEAR_ID>: <IDS>[source]})
WHERE $most IS NULL OR COUNT { (near)<LEFT>[:<ALL>]<RIGHT>() } <= $most
MATCH (near)<LEFT>[r:<TYPES>]<RIGHT>(far:<FAR>)
WHERE far.<FAR_ID> IS NOT NULL AND (<WITHIN>)
RETURN source, r, far.<FAR_ID> AS id, <MARK> AS inside
