import sqlite3 from 'sqlite3';
import { Column, DataSource, Entity, IsNull, PrimaryColumn, type Repository } from 'typeorm';

@Entity('users')
export class User {
  /** Random, so that it can serve as a link's `subject` without telling anybody anything. */
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text', { unique: true })
  email!: string;

  @Column('text')
  passwordHash!: string;

  /** Counts password changes. Sessions and reset links remember it, and end when it moves on. */
  @Column('integer', { default: 1 })
  passwordVersion!: number;

  /** When the mailbox was proven, in milliseconds since the epoch. */
  @Column('integer', { nullable: true })
  verifiedAt!: number | null;
}

/** TypeORM turns on a verbose mode that is the whole process's: slow, and what is stored would be in the stacks of errors. */
const driver = { ...sqlite3, verbose: () => driver };

export class Users {
  private constructor(private readonly rows: Repository<User>) {}

  static async open(databasePath: string): Promise<Users> {
    const dataSource = new DataSource({
      type: 'sqlite',
      driver,
      database: databasePath,
      entities: [User],
      synchronize: true,
    });
    return new Users((await dataSource.initialize()).getRepository(User));
  }

  close(): Promise<void> {
    return this.rows.manager.connection.destroy();
  }

  byId(id: string): Promise<User | null> {
    return this.rows.findOneBy({ id });
  }

  byEmail(email: string): Promise<User | null> {
    return this.rows.findOneBy({ email });
  }

  /** @returns whether the address was free. Two sign-ups at once: the unique index lets one in. */
  async add(user: Pick<User, 'id' | 'name' | 'email' | 'passwordHash'>): Promise<boolean> {
    await this.rows.createQueryBuilder().insert().values(user).orIgnore().execute();
    return this.rows.existsBy({ id: user.id });
  }

  async markVerified(user: User, now: number): Promise<void> {
    await this.rows.update({ id: user.id, email: user.email, verifiedAt: IsNull() }, { verifiedAt: now });
  }

  /** @returns false when the password has changed since `user` was read: then this change must not happen. */
  async changePassword(user: User, passwordHash: string): Promise<boolean> {
    const { id, passwordVersion } = user;
    const next = { passwordHash, passwordVersion: passwordVersion + 1 };
    return (await this.rows.update({ id, passwordVersion }, next)).affected === 1;
  }
}
