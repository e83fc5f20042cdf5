; The rules of the household: what an agent may do in one room. Predicates, actions and the order of their parameters are those of
; ALFRED's domain (alfred.pddl of ALFWorld, MIT licence), so that its games play by these rules' text; the file is Hone's own.
; Places are "receptacles", each at a location of its own; things are "things" (ALFRED says object, which in PDDL is everything).
(define (domain alfred)
  (:requirements :adl :typing :action-costs)
  (:types agent location receptacle thing rtype otype)
  (:constants
    sinkbasintype microwavetype fridgetype - rtype
    knifetype butterknifetype - otype)
  (:predicates
    ; where things are
    (atlocation ?a - agent ?l - location)
    (receptacleatlocation ?r - receptacle ?l - location)
    (objectatlocation ?o - thing ?l - location)
    (inreceptacle ?o - thing ?r - receptacle)
    (holds ?a - agent ?o - thing)
    (holdsany ?a - agent)
    ; what they are
    (receptacletype ?r - receptacle ?t - rtype)
    (objecttype ?o - thing ?t - otype)
    (cancontain ?rt - rtype ?ot - otype)
    (openable ?r - receptacle)
    (pickupable ?o - thing)
    (cleanable ?o - thing)
    (heatable ?o - thing)
    (coolable ?o - thing)
    (sliceable ?o - thing)
    (toggleable ?o - thing)
    ; what became of them
    (opened ?r - receptacle)
    (isclean ?o - thing)
    (ishot ?o - thing)
    (iscool ?o - thing)
    (issliced ?o - thing)
    (ison ?o - thing)
    (istoggled ?o - thing))
  (:functions (total-cost) - number)

  (:action gotolocation
    :parameters (?a - agent ?lstart - location ?lend - location ?r - receptacle)
    :precondition (and (atlocation ?a ?lstart) (receptacleatlocation ?r ?lend) (not (= ?lstart ?lend)))
    :effect (and (not (atlocation ?a ?lstart)) (atlocation ?a ?lend)))

  (:action openobject
    :parameters (?a - agent ?l - location ?r - receptacle)
    :precondition (and (openable ?r) (atlocation ?a ?l) (receptacleatlocation ?r ?l) (not (opened ?r)))
    :effect (opened ?r))

  (:action closeobject
    :parameters (?a - agent ?l - location ?r - receptacle)
    :precondition (and (openable ?r) (atlocation ?a ?l) (receptacleatlocation ?r ?l) (opened ?r))
    :effect (not (opened ?r)))

  (:action pickupobject
    :parameters (?a - agent ?l - location ?o - thing ?r - receptacle)
    :precondition (and (pickupable ?o) (atlocation ?a ?l) (receptacleatlocation ?r ?l) (inreceptacle ?o ?r)
                       (not (holdsany ?a)) (or (not (openable ?r)) (opened ?r)))
    :effect (and (not (inreceptacle ?o ?r)) (not (objectatlocation ?o ?l)) (holds ?a ?o) (holdsany ?a)))

  (:action putobject
    :parameters (?a - agent ?l - location ?o - thing ?r - receptacle ?ot - otype ?rt - rtype)
    :precondition (and (holds ?a ?o) (atlocation ?a ?l) (receptacleatlocation ?r ?l) (or (not (openable ?r)) (opened ?r))
                       (objecttype ?o ?ot) (receptacletype ?r ?rt) (cancontain ?rt ?ot))
    :effect (and (inreceptacle ?o ?r) (objectatlocation ?o ?l) (not (holds ?a ?o)) (not (holdsany ?a))))

  (:action cleanobject
    :parameters (?a - agent ?l - location ?r - receptacle ?o - thing)
    :precondition (and (cleanable ?o) (receptacletype ?r sinkbasintype) (atlocation ?a ?l) (receptacleatlocation ?r ?l) (holds ?a ?o))
    :effect (isclean ?o))

  (:action heatobject
    :parameters (?a - agent ?l - location ?r - receptacle ?o - thing)
    :precondition (and (heatable ?o) (receptacletype ?r microwavetype) (atlocation ?a ?l) (receptacleatlocation ?r ?l) (holds ?a ?o))
    :effect (and (ishot ?o) (not (iscool ?o))))

  (:action coolobject
    :parameters (?a - agent ?l - location ?r - receptacle ?o - thing)
    :precondition (and (coolable ?o) (receptacletype ?r fridgetype) (atlocation ?a ?l) (receptacleatlocation ?r ?l) (holds ?a ?o))
    :effect (and (iscool ?o) (not (ishot ?o))))

  (:action toggleobject
    :parameters (?a - agent ?l - location ?o - thing ?r - receptacle)
    :precondition (and (toggleable ?o) (atlocation ?a ?l) (receptacleatlocation ?r ?l) (inreceptacle ?o ?r))
    :effect (and (when (ison ?o) (not (ison ?o))) (when (not (ison ?o)) (ison ?o)) (istoggled ?o)))

  (:action sliceobject
    :parameters (?a - agent ?l - location ?co - thing ?ko - thing)
    :precondition (and (sliceable ?co) (or (objecttype ?ko knifetype) (objecttype ?ko butterknifetype))
                       (atlocation ?a ?l) (objectatlocation ?co ?l) (holds ?a ?ko))
    :effect (issliced ?co)))
