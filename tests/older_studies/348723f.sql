BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'app-80a28c7d');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MINIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["objective"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'identity','{"space": {"x": "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 1, \"low\": 0, \"high\": 5}}", "y": "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [-2, -1]}}"}, "objectives": [{"name": "objective", "direction": "minimize"}], "fixed": {}}');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,1,20.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,2,15.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,3,1.33333333333333339256e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,2,1,19.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,2,14.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,3,1.23333333333333339254e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,3,1,15.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,3,2,10.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,3,3,8.33333333333333392545e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,4,1,14.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,4,2,9.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,4,3,7.33333333333333392545e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,5,1,12.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,5,2,7.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,5,3,5.33333333333333392545e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(16,6,1,11.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(17,6,2,6.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(18,6,3,4.33333333333333392545e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(19,7,1,11.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(20,7,2,6.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(21,7,3,4.33333333333333392545e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(22,8,1,10.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(23,8,2,5.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(24,8,3,3.33333333333333348136e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(25,9,1,12.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(26,9,2,7.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(27,9,3,5.33333333333333392545e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(28,10,1,11.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(29,10,2,6.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(30,10,3,4.33333333333333392545e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(31,11,1,15.0,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'x',0.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(2,1,'y',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(3,2,'x',0.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(4,2,'y',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(5,3,'x',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(6,3,'y',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(7,4,'x',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(8,4,'y',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(9,5,'x',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(10,5,'y',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(11,6,'x',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(12,6,'y',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(13,7,'x',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(14,7,'y',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(15,8,'x',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(16,8,'y',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(17,9,'x',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(18,9,'y',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(19,10,'x',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(20,10,'y',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
INSERT INTO "trial_params" VALUES(21,11,'x',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 5}}');
INSERT INTO "trial_params" VALUES(22,11,'y',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [-2, -1]}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"x": 0, "y": -2}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'fixed_params','{"x": 0, "y": -1}');
INSERT INTO "trial_system_attributes" VALUES(3,3,'fixed_params','{"x": 1, "y": -2}');
INSERT INTO "trial_system_attributes" VALUES(4,4,'fixed_params','{"x": 1, "y": -1}');
INSERT INTO "trial_system_attributes" VALUES(5,5,'fixed_params','{"x": 2, "y": -2}');
INSERT INTO "trial_system_attributes" VALUES(6,6,'fixed_params','{"x": 2, "y": -1}');
INSERT INTO "trial_system_attributes" VALUES(7,7,'fixed_params','{"x": 3, "y": -2}');
INSERT INTO "trial_system_attributes" VALUES(8,8,'fixed_params','{"x": 3, "y": -1}');
INSERT INTO "trial_system_attributes" VALUES(9,9,'fixed_params','{"x": 4, "y": -2}');
INSERT INTO "trial_system_attributes" VALUES(10,10,'fixed_params','{"x": 4, "y": -1}');
INSERT INTO "trial_system_attributes" VALUES(11,11,'fixed_params','{"x": 5, "y": -2}');
INSERT INTO "trial_system_attributes" VALUES(12,12,'fixed_params','{"x": 5, "y": -1}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'objective','10.0');
INSERT INTO "trial_user_attributes" VALUES(2,1,'distance','3.0');
INSERT INTO "trial_user_attributes" VALUES(3,2,'objective','9.0');
INSERT INTO "trial_user_attributes" VALUES(4,2,'distance','3.0');
INSERT INTO "trial_user_attributes" VALUES(5,3,'objective','5.0');
INSERT INTO "trial_user_attributes" VALUES(6,3,'distance','2.0');
INSERT INTO "trial_user_attributes" VALUES(7,4,'objective','4.0');
INSERT INTO "trial_user_attributes" VALUES(8,4,'distance','2.0');
INSERT INTO "trial_user_attributes" VALUES(9,5,'objective','2.0');
INSERT INTO "trial_user_attributes" VALUES(10,5,'distance','1.0');
INSERT INTO "trial_user_attributes" VALUES(11,6,'objective','1.0');
INSERT INTO "trial_user_attributes" VALUES(12,6,'distance','1.0');
INSERT INTO "trial_user_attributes" VALUES(13,7,'objective','1.0');
INSERT INTO "trial_user_attributes" VALUES(14,7,'distance','0.0');
INSERT INTO "trial_user_attributes" VALUES(15,8,'objective','0.0');
INSERT INTO "trial_user_attributes" VALUES(16,8,'distance','0.0');
INSERT INTO "trial_user_attributes" VALUES(17,9,'error','"RuntimeError: x is 4"');
INSERT INTO "trial_user_attributes" VALUES(18,10,'error','"RuntimeError: x is 4"');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,10.0,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,9.0,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,5.0,'FINITE');
INSERT INTO "trial_values" VALUES(4,4,0,4.0,'FINITE');
INSERT INTO "trial_values" VALUES(5,5,0,2.0,'FINITE');
INSERT INTO "trial_values" VALUES(6,6,0,1.0,'FINITE');
INSERT INTO "trial_values" VALUES(7,7,0,1.0,'FINITE');
INSERT INTO "trial_values" VALUES(8,8,0,0.0,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-22 16:02:41.385688','2026-11-22 16:02:43.021516');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-22 16:02:43.183756','2026-11-22 16:02:44.731442');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-22 16:02:44.809906','2026-11-22 16:02:46.238508');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-22 16:02:46.354333','2026-11-22 16:02:47.920827');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-22 16:02:48.112161','2026-11-22 16:02:50.554572');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-22 16:02:50.736916','2026-11-22 16:02:52.555971');
INSERT INTO "trials" VALUES(7,6,1,'COMPLETE','2026-11-22 16:02:52.692004','2026-11-22 16:02:54.221527');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-22 16:02:54.346935','2026-11-22 16:02:55.964184');
INSERT INTO "trials" VALUES(9,8,1,'FAIL','2026-11-22 16:02:56.098649','2026-11-22 16:02:57.476592');
INSERT INTO "trials" VALUES(10,9,1,'FAIL','2026-11-22 16:02:57.608256','2026-11-22 16:02:58.978315');
INSERT INTO "trials" VALUES(11,10,1,'RUNNING','2026-11-22 16:02:59.127011',NULL);
INSERT INTO "trials" VALUES(12,11,1,'WAITING',NULL,NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
