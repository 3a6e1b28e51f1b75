// Whether an offer holds in a region on a day, without them anywhere and on any day; a hidden one never does.
NOT coalesce(offer.hidden, false) AND
($<S>_region IS NULL OR size(coalesce(offer.regions, [])) = 0
    OR any(code IN offer.regions WHERE toUpper(code) = $<S>_region))
  AND ($<S>_on IS NULL OR (coalesce(offer.available_from, $<S>_on) <= $<S>_on
    AND $<S>_on <= coalesce(offer.available_until, $<S>_on)))
